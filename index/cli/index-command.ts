import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { OpenedCliptrace } from '../cliptrace.js';
import { CliptraceError, errorMessageOf } from '../errors.js';
import { countFailures } from '../ingest/failure-counts.js';
import { collectionNameProblem } from '../library/collection-name.js';
import type { FileOutcome, Job, JobFile, JobRequest } from '../library/types.js';
import { type CommandContext, type CommonFlags, withCliptrace } from './context.js';
import { EXIT_DONE, EXIT_SOME_FILES_FAILED } from './exit-codes.js';
import { finishCompaction } from './finish-compaction.js';
import { plural, printable, printJson, type Terminal } from './output.js';
import { type IndexSummary, runJob } from './run-job.js';

export interface IndexFlags extends CommonFlags {
  collection: string;
  labelFrom?: string;
  prune?: boolean;
  retryFailed?: boolean;
  watch?: boolean;
  settle?: string;
  rescan?: string;
  meta?: string[];
  /** What the collection has grown to ask for is done at once. */
  calibrate?: boolean;
}

/** `cliptrace index PATH...` */
export async function indexCommand(
  paths: readonly string[],
  flags: IndexFlags,
  context: CommandContext,
): Promise<number> {
  if (flags.watch) return (await import('./watch-command.js')).watchCommand(paths, flags, context);
  if (flags.settle !== undefined || flags.rescan !== undefined) {
    throw new CliptraceError('USAGE', '--settle and --rescan go with --watch');
  }
  const request = indexRequest(paths, flags);
  const summary = await withCliptrace(context, flags, 'write', async (cliptrace) => {
    const indexed = await runIndexing(cliptrace, request, context.terminal);
    const upkeep = flags.calibrate ? runUpkeep : tellOfUpkeep;
    await upkeep(cliptrace, request.collection, context.terminal);
    await finishCompaction(cliptrace, Number.POSITIVE_INFINITY, context.terminal);
    return indexed;
  });
  if (flags.json) printJson(context.terminal, summaryJson(summary));
  else printSummary(context.terminal, summary);
  return summary.job.progress.filesFailed > 0 ? EXIT_SOME_FILES_FAILED : EXIT_DONE;
}

export function indexRequest(
  paths: readonly string[],
  flags: {
    collection: string;
    labelFrom?: string;
    prune?: boolean;
    retryFailed?: boolean;
    meta?: readonly string[];
  },
): Extract<JobRequest, { type: 'index' }> {
  if (flags.labelFrom !== undefined && flags.labelFrom !== 'folder') {
    throw new CliptraceError('USAGE', `--label-from is "${flags.labelFrom}": it must be "folder"`);
  }
  const problem = collectionNameProblem(flags.collection);
  if (problem !== null) {
    throw new CliptraceError('USAGE', `--collection is ${JSON.stringify(flags.collection)}: it ${problem}`);
  }
  if (flags.prune && flags.retryFailed) {
    throw new CliptraceError(
      'USAGE',
      '--prune and --retry-failed do not go together: run one after the other',
    );
  }
  if (paths.length === 0 && !flags.retryFailed) {
    throw new CliptraceError('USAGE', 'No paths are given: name files or folders, or use --retry-failed');
  }
  // Without a path, whatever failed, wherever it lies.
  const named = paths.length === 0 ? [path.parse(process.cwd()).root] : paths;
  return {
    type: 'index',
    paths: named.map((entry) => path.resolve(entry)),
    collection: flags.collection,
    labelFrom: flags.labelFrom === 'folder' ? 'folder' : null,
    prune: flags.prune === true,
    ...(flags.meta ? { metadata: metadataOf(flags.meta) } : {}),
    ...(flags.retryFailed ? { retryFailed: true } : {}),
  };
}

/** `--meta KEY=VALUE`, any number of times. */
function metadataOf(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const found = /^([\w-][\w.-]{0,63})=(.{1,500})$/.exec(text);
      if (!found) throw new CliptraceError('USAGE', `--meta is "${text}": it must be KEY=VALUE`);
      // What reads it again from the library passes over this one.
      if (found[1] === '__proto__') {
        throw new CliptraceError(
          'USAGE',
          '--meta is told of the key "__proto__", which cannot be used: name it otherwise',
        );
      }
      return [found[1] as string, found[2] as string];
    }),
  );
}

/** Runs the job in this process; one that was interrupted or paused and asked for the same goes on. */
export async function runIndexing(
  cliptrace: OpenedCliptrace,
  request: JobRequest,
  terminal: Terminal,
): Promise<IndexSummary> {
  const { library, jobs } = cliptrace;
  // We hold the data folder: a job that still says "running" belongs to a process that is gone.
  await library.requeueInterrupted();
  const same = (await library.pendingJobs()).find((job) => isDeepStrictEqual(job.request, request));
  return runJob(cliptrace, same ?? (await jobs.submit(request)), terminal);
}

/** Jobs that a grown collection asked for; what is indexed stays indexed if one fails. */
async function runUpkeep(cliptrace: OpenedCliptrace, collection: string, terminal: Terminal): Promise<void> {
  for (const job of await waitingUpkeep(cliptrace, collection)) {
    terminal.err(`${UPKEEP[job.request.type as Upkeep]} the collection "${printable(collection)}"`);
    await runJob(cliptrace, job, terminal).catch((error: unknown) => {
      terminal.err(`Warning: what was known of it stays as it was: ${errorMessageOf(error)}`);
    });
  }
}

/** In the order in which they are to be done. */
const UPKEEP = {
  boilerplate: 'Looking for what stands in many videos of',
  calibrate: 'Fitting the scores to the videos of',
} as const;
type Upkeep = keyof typeof UPKEEP;

async function waitingUpkeep(cliptrace: OpenedCliptrace, collection: string): Promise<Job[]> {
  const pending = await cliptrace.library.pendingJobs();
  return (Object.keys(UPKEEP) as Upkeep[]).flatMap((type) =>
    pending.filter(
      ({ request, status }) =>
        status === 'queued' && request.type === type && request.collection === collection,
    ),
  );
}

/** Not done at once: it takes longer than a small archive does, and a server does it while it is idle. */
async function tellOfUpkeep(
  cliptrace: OpenedCliptrace,
  collection: string,
  terminal: Terminal,
): Promise<void> {
  const waiting = await waitingUpkeep(cliptrace, collection);
  if (waiting.length === 0) return;
  const what = waiting.map(({ request }) =>
    request.type === 'boilerplate' ? 'looking for boilerplate' : 'fitting the scores',
  );
  terminal.err(
    `Left for later, because the collection "${printable(collection)}" has grown: ${what.join(', ')}. ` +
      'A server does that by itself, and so do `cliptrace jobs run` and `cliptrace index --calibrate`.',
  );
}

export function summaryJson({ job, files, elapsedSeconds }: IndexSummary): unknown {
  const { progress } = job;
  return {
    jobId: job.id,
    status: job.status,
    filesTotal: progress.filesTotal,
    filesOther: progress.filesOther,
    counts: countOutcomes(files),
    failuresByCode: countFailures(files),
    segments: progress.segments,
    videoSeconds: progress.videoSeconds,
    elapsedSeconds,
    files,
  };
}

export function printSummary(terminal: Terminal, { job, files, elapsedSeconds }: IndexSummary): void {
  const { progress } = job;
  const counts = countOutcomes(files);
  const told = (Object.entries(counts) as [FileOutcome, number][])
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${count} ${outcome}`);
  const hours = (progress.videoSeconds / 3600).toFixed(2);
  const speed = (progress.segments / elapsedSeconds).toFixed(1);
  const others =
    progress.filesOther > 0 ? ` (and ${plural(progress.filesOther, 'file')} that are no videos)` : '';
  terminal.out(`${plural(progress.filesTotal ?? 0, 'file')}${others}: ${told.join(', ') || 'nothing to do'}`);
  terminal.out(
    `${plural(progress.segments, 'segment')}, ${hours} hours of video in ${elapsedSeconds.toFixed(1)} s (${speed} segments/s)`,
  );
  printFailures(terminal, files);
  const skipped = files.filter((file) => file.outcome === 'skipped');
  if (skipped.length > 0) {
    terminal.out('\nPassed over:');
    for (const file of skipped) terminal.out(`  ${printable(file.message ?? file.path)}`);
  }
  printUnmounted(terminal, files);
  const missing = files.filter(({ outcome, code }) => outcome === 'missing' && code === null);
  if (missing.length > 0) {
    terminal.out('\nNo longer on disk (remove them from the library with --prune):');
    for (const file of missing) {
      terminal.out(`  ${printable(file.path)}${file.videoId === null ? '' : ` (video ${file.videoId})`}`);
    }
  }
}

/** What is on a disk that is not mounted, by the folder where that would be. */
function printUnmounted(terminal: Terminal, files: readonly JobFile[]): void {
  const counts = new Map<string, number>();
  for (const { code, message } of files) {
    if (code === 'DISK_NOT_MOUNTED' && message) counts.set(message, (counts.get(message) ?? 0) + 1);
  }
  if (counts.size > 0) terminal.out('\nOn a disk that may not be mounted:');
  for (const [message, count] of counts) terminal.out(`  ${plural(count, 'file')}: ${printable(message)}`);
}

export function printFailures(terminal: Terminal, files: readonly JobFile[]): void {
  const failed = files.filter((file) => file.outcome === 'failed');
  if (failed.length === 0) return;
  terminal.out(`\nFailed: ${plural(failed.length, 'file')} (try them again with --retry-failed)`);
  for (const [code, count] of Object.entries(countFailures(failed))) {
    terminal.out(`  ${code}: ${plural(count, 'file')}`);
    for (const file of failed.filter((one) => one.code === code)) {
      terminal.out(`    ${printable(file.path)}`);
      terminal.out(`      ${printable(file.message ?? '')}`);
    }
  }
}

function countOutcomes(files: readonly JobFile[]): Record<FileOutcome, number> {
  const counts: Record<FileOutcome, number> = {
    indexed: 0,
    updated: 0,
    moved: 0,
    duplicate: 0,
    unchanged: 0,
    failed: 0,
    skipped: 0,
    missing: 0,
    pruned: 0,
  };
  for (const file of files) counts[file.outcome] += 1;
  return counts;
}
