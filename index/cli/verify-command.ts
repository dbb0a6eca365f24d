import { readFile } from 'node:fs/promises';
import { parseManifest } from '../encoder/manifest.js';
import { manifestPathOf } from '../encoder/model-store.js';
import { atPrecision } from '../encoder/precision.js';
import { errorMessageOf } from '../errors.js';
import { openDataFolder } from '../library/data-folder.js';
import type { Settings } from '../settings.js';
import type { Problem, VerifyReport, VerifyStatus } from '../verify/types.js';
import { verifyDataFolder } from '../verify/verify.js';
import { type CommandContext, type CommonFlags, settingsOf } from './context.js';
import { EXIT_DONE, EXIT_REPAIRABLE, EXIT_REPAIRED, EXIT_UNREPAIRABLE } from './exit-codes.js';
import { plural, printable, printJson, type Terminal } from './output.js';

export interface VerifyFlags extends CommonFlags {
  repair?: boolean;
  deep?: boolean;
}

const EXIT_CODES: Record<VerifyStatus, number> = {
  sound: EXIT_DONE,
  repairable: EXIT_REPAIRABLE,
  repaired: EXIT_REPAIRED,
  unrepairable: EXIT_UNREPAIRABLE,
};

/** Problems of one kind that are printed one by one; `--json` has all. */
const SHOWN_OF_A_KIND = 20;

/** `cliptrace verify` */
export async function verifyCommand(flags: VerifyFlags, context: CommandContext): Promise<number> {
  const settings = settingsOf(context, flags);
  const { terminal } = context;
  const dataFolder = await openDataFolder(settings.dataRoot, { create: false });
  const { modelId, warning } = await currentModel(settings);
  const report = await verifyDataFolder({
    dataFolder,
    modelId,
    deep: flags.deep === true,
    repair: flags.repair === true,
    onStep: terminal.interactive ? (step) => terminal.err(step) : undefined,
  });
  if (warning) report.skipped.push(warning);
  if (flags.json) printJson(terminal, report);
  else printReport(terminal, dataFolder.root, report, flags.repair === true);
  return EXIT_CODES[report.status];
}

/** Its manifest is enough; that the model itself works is a matter for `doctor`. */
async function currentModel(settings: Settings): Promise<{ modelId: string | null; warning: string | null }> {
  const path = manifestPathOf(settings.modelFolder);
  try {
    const manifest = parseManifest(await readFile(path, 'utf8'), path);
    return { modelId: atPrecision(manifest, settings.precision).id, warning: null };
  } catch (error) {
    return {
      modelId: null,
      warning: `which videos the current model has embedded: ${errorMessageOf(error)}`,
    };
  }
}

function printReport(terminal: Terminal, root: string, report: VerifyReport, repaired: boolean): void {
  const { checked, problems, remaining, skipped } = report;
  terminal.out(
    `${root}: ${plural(checked.videos, 'video')}, ${plural(checked.segments, 'segment')}, ` +
      `${plural(checked.files, 'file')}${checked.hashedFiles > 0 ? ' read to the end' : ''}, ` +
      `${plural(checked.snapshots, 'vector snapshot')} in ${report.elapsedSeconds.toFixed(1)} s`,
  );
  for (const what of skipped) terminal.out(`Not checked: ${printable(what)}`);
  if (problems.length > 0) printProblems(terminal, problems, repaired ? null : '--repair puts this right');
  if (remaining && remaining.length > 0) {
    terminal.out('\nStill wrong after the repair:');
    printProblems(terminal, remaining, null);
  }
  terminal.out(`\n${VERDICTS[report.status](problems.length, remaining?.length ?? 0)}`);
}

const VERDICTS: Record<VerifyStatus, (found: number, left: number) => string> = {
  sound: () => 'All is sound.',
  repairable: (found) => `${plural(found, 'problem')}: run "cliptrace verify --repair" to put it right.`,
  repaired: (found) => `${plural(found, 'problem')} found and put right.`,
  unrepairable: (found, left) =>
    `${plural(found, 'problem')} found${left > 0 ? `, ${left} left` : ''}: what to do stands beside each.`,
};

function printProblems(terminal: Terminal, problems: readonly Problem[], repairHint: string | null): void {
  for (const code of new Set(problems.map((problem) => problem.code))) {
    const ofKind = problems.filter((problem) => problem.code === code);
    terminal.out(`\n${code}${ofKind.length > 1 ? ` (${ofKind.length})` : ''}`);
    for (const { subject, detail, repair, remedy } of ofKind.slice(0, SHOWN_OF_A_KIND)) {
      terminal.out(`  ${printable(subject)}: ${printable(detail)}`);
      const hint = repair === null ? remedy : repairHint;
      if (hint) terminal.out(`      -> ${hint}`);
    }
    if (ofKind.length > SHOWN_OF_A_KIND) terminal.out(`  ... and ${ofKind.length - SHOWN_OF_A_KIND} more`);
  }
}
