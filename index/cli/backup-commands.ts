import { checkBackup, restoreBackup } from '../backup/restore.js';
import { writeBackup } from '../backup/write-backup.js';
import { CliptraceError } from '../errors.js';
import { dataFolderAt, openDataFolder } from '../library/data-folder.js';
import { type CommandContext, type CommonFlags, settingsOf } from './context.js';
import { EXIT_DONE } from './exit-codes.js';
import { plural, printable, printJson } from './output.js';
import { packageVersion } from './package-version.js';

export interface RestoreFlags extends CommonFlags {
  replace?: boolean;
  check?: boolean;
}

/** `cliptrace backup FILE` */
export async function backupCommand(
  file: string,
  flags: CommonFlags,
  context: CommandContext,
): Promise<number> {
  const { terminal } = context;
  const dataFolder = await openDataFolder(settingsOf(context, flags).dataRoot, { create: false });
  const summary = await interruptible((signal) =>
    writeBackup({
      dataFolder,
      file,
      programVersion: packageVersion(),
      signal,
      onStep: terminal.interactive ? (step) => terminal.err(step) : undefined,
    }),
  );
  if (flags.json) printJson(terminal, summary);
  else {
    const { videos, segments, uploads, byteLength, removedMeanwhile } = summary;
    terminal.out(
      `${printable(summary.file)}: ${plural(videos, 'video')}, ${plural(segments, 'segment')}, ` +
        `${plural(uploads, 'upload')} in ${megabytes(byteLength)}`,
    );
    if (removedMeanwhile.length > 0) {
      terminal.out(`Removed while the backup ran, and not in it: videos ${removedMeanwhile.join(', ')}`);
    }
  }
  for (const path of summary.lostUploads) {
    terminal.err(`MEDIA_MISSING: ${printable(path)} is lost; its video is in the backup without it`);
  }
  return EXIT_DONE;
}

/** `cliptrace restore FILE` */
export async function restoreCommand(
  file: string,
  flags: RestoreFlags,
  context: CommandContext,
): Promise<number> {
  const { terminal } = context;
  if (flags.check && flags.replace) {
    throw new CliptraceError('USAGE', '--check restores nothing: leave --replace out');
  }
  if (flags.check) {
    const { head, byteLength } = await interruptible((signal) => checkBackup(file, signal));
    if (flags.json) printJson(terminal, { whole: true, byteLength, ...head });
    else terminal.out(`${printable(file)} is whole: ${megabytes(byteLength)}, taken ${head.createdAt}`);
    return EXIT_DONE;
  }
  const dataFolder = dataFolderAt(settingsOf(context, flags).dataRoot);
  const { head, ...summary } = await interruptible((signal) =>
    restoreBackup({ file, dataFolder, replace: flags.replace === true, signal }),
  );
  if (flags.json) printJson(terminal, { dataFolder: dataFolder.root, ...summary, createdAt: head.createdAt });
  else {
    terminal.out(
      `${dataFolder.root} is as it was ${head.createdAt}: ` +
        `${plural(summary.videos, 'video')}, ${plural(summary.segments, 'segment')}`,
    );
  }
  return EXIT_DONE;
}

/** Ctrl-C ends the work and leaves nothing behind. */
async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const interrupt = () => controller.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
