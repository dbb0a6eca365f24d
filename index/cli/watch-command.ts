import { stat } from 'node:fs/promises';
import type { OpenedCliptrace } from '../cliptrace.js';
import { CliptraceError } from '../errors.js';
import { fileSystemError } from '../ingest/scan.js';
import type { JobEvent } from '../ingest/types.js';
import type { Job } from '../library/types.js';
import {
  DEFAULT_RESCAN_SECONDS,
  DEFAULT_SETTLE_SECONDS,
  RESCAN_SECONDS_BOUNDS,
  SETTLE_SECONDS_BOUNDS,
} from '../watch/defaults.js';
import { FolderWatch } from '../watch/folder-watch.js';
import { type CommandContext, parseNumber, withCliptrace } from './context.js';
import { EXIT_DONE } from './exit-codes.js';
import { type IndexFlags, indexRequest } from './index-command.js';
import { IndexProgress } from './index-progress.js';
import { printable, type Terminal } from './output.js';
import { onStop } from './run-job.js';

/** `cliptrace index --watch PATH...`: until Ctrl-C or SIGTERM, which end it with exit code 0. */
export async function watchCommand(
  paths: readonly string[],
  flags: IndexFlags,
  context: CommandContext,
): Promise<number> {
  if (flags.retryFailed) throw new CliptraceError('USAGE', '--watch and --retry-failed do not go together');
  const request = indexRequest(paths, flags);
  const settleSeconds =
    parseNumber(flags.settle, '--settle', SETTLE_SECONDS_BOUNDS) ?? DEFAULT_SETTLE_SECONDS;
  const rescanSeconds =
    parseNumber(flags.rescan, '--rescan', RESCAN_SECONDS_BOUNDS) ?? DEFAULT_RESCAN_SECONDS;
  for (const root of request.paths) {
    await stat(root).catch((error: unknown) => {
      throw fileSystemError(root, error);
    });
  }
  const { terminal } = context;
  const json = flags.json === true;
  // Before the index is opened: a signal while it loads must not be lost.
  let stop = () => undefined as undefined;
  const stopped = new Promise<void>((resolve) => {
    stop = () => void resolve();
  });
  const release = onStop(async () => stop());
  try {
    await withCliptrace(context, flags, 'write', async (cliptrace) => {
      const watch = new FolderWatch({
        roots: request.paths,
        collection: request.collection,
        labelFrom: request.labelFrom,
        metadata: request.metadata,
        prune: flags.prune ?? true,
        library: cliptrace.library,
        jobs: cliptrace.jobs,
        modelId: cliptrace.encoder.manifest.id,
        exclude: cliptrace.closedFolders,
        settleMs: settleSeconds * 1000,
        rescanMs: rescanSeconds * 1000,
        onJob: (job) => tellJob(cliptrace, job, terminal, json),
        onProblem: ({ code, message }) => terminal.err(`${code}: ${message}`),
      });
      // What an earlier process left goes on here, and nobody else would tell of it.
      for (const job of await cliptrace.library.pendingJobs()) {
        if (job.request.type === 'index') tellJob(cliptrace, job, terminal, json);
      }
      await cliptrace.jobs.start();
      await Promise.race([watch.start(), stopped]);
      terminal.err(
        `Following ${request.paths.map(printable).join(', ')}: a file is indexed when it has not changed for ${settleSeconds} s; ` +
          `everything is looked through every ${rescanSeconds} s (Ctrl-C stops it)`,
      );
      await stopped;
      await watch.stop();
    });
  } finally {
    release();
  }
  terminal.err('Stopped following');
  return EXIT_DONE;
}

/** Shows how a job goes; with `json`, one line on stdout for each file. */
function tellJob({ jobs }: OpenedCliptrace, job: Job, terminal: Terminal, json: boolean): void {
  const progress = new IndexProgress(terminal);
  const unsubscribe = jobs.subscribe(job.id, (event: JobEvent) => {
    progress.tell(event);
    if (json && event.type === 'file') terminal.out(JSON.stringify({ jobId: job.id, ...event.file }));
    if (event.type !== 'end') return;
    progress.stop();
    unsubscribe();
  });
}
