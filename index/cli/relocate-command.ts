import path from 'node:path';
import { relocate } from '../ingest/relocate.js';
import { openDataFolder } from '../library/data-folder.js';
import { openLibrary } from '../library/sqlite-library.js';
import { type CommandContext, type CommonFlags, settingsOf } from './context.js';
import { EXIT_DONE, EXIT_SOME_FILES_FAILED } from './exit-codes.js';
import { plural, printable, printJson, type Terminal } from './output.js';

export interface RelocateFlags extends CommonFlags {
  dryRun?: boolean;
}

/** `cliptrace relocate OLD NEW` */
export async function relocateCommand(
  from: string,
  to: string,
  flags: RelocateFlags,
  context: CommandContext,
): Promise<number> {
  const { terminal } = context;
  const dataFolder = await openDataFolder(settingsOf(context, flags).dataRoot, { create: false });
  // Only looking needs no lock.
  const library = await openLibrary({ dataFolder, mode: flags.dryRun ? 'read' : 'write' });
  try {
    const relocation = await relocate({
      library,
      from: path.resolve(from),
      to: path.resolve(to),
      dryRun: flags.dryRun === true,
    });
    const { moved, missing, different, taken } = relocation;
    if (flags.json) printJson(terminal, relocation);
    else {
      terminal.out(`${plural(moved, 'file')} ${flags.dryRun ? 'would be' : 'are'} noted in ${printable(to)}`);
      tell(terminal, missing, 'Not there');
      tell(terminal, different, 'Of other content there');
      tell(terminal, taken, 'Another video of the library lies there');
    }
    return missing.length + different.length + taken.length > 0 ? EXIT_SOME_FILES_FAILED : EXIT_DONE;
  } finally {
    await library.close();
  }
}

function tell(terminal: Terminal, files: readonly string[], what: string): void {
  if (files.length === 0) return;
  terminal.out(`\n${what}, so that the library keeps their old place:`);
  for (const file of files) terminal.out(`  ${printable(file)}`);
}
