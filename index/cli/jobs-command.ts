import { setTimeout as sleep } from 'node:timers/promises';
import { CliptraceError } from '../errors.js';
import { countFailures } from '../ingest/failure-counts.js';
import { openDataFolder } from '../library/data-folder.js';
import { folderIsHeld } from '../library/folder-lock.js';
import { hasEnded } from '../library/job-status.js';
import type { Job, JobCommand, JobFile, Library } from '../library/types.js';
import { actionOf } from './action.js';
import { JOB_ACTIONS } from './command-words.js';
import {
  type CommandContext,
  type CommonFlags,
  parseId,
  parseNumber,
  settingsOf,
  withCliptrace,
  withLibrary,
} from './context.js';
import { EXIT_DONE, EXIT_FAILED, EXIT_SOME_FILES_FAILED } from './exit-codes.js';
import { finishCompaction } from './finish-compaction.js';
import { printFailures, printSummary, summaryJson } from './index-command.js';
import { IndexProgress, progressLine } from './index-progress.js';
import { controlJob, settleAbandoned } from './job-control.js';
import { formatTable, plural, printable, printJson, type Terminal } from './output.js';
import { runJob } from './run-job.js';

export interface JobsFlags extends CommonFlags {
  limit?: string;
}

const FOLLOW_INTERVAL_MS = 500;
const SHOWN_PATHS = 5;
const NOBODY_WORKS =
  'No process works on this data folder: `cliptrace jobs run` or `cliptrace serve` takes the job up';

/** `cliptrace jobs [ACTION] [ID]` */
export async function jobsCommand(
  actionText: string | undefined,
  idText: string | undefined,
  flags: JobsFlags,
  context: CommandContext,
): Promise<number> {
  const action = actionOf(actionText ?? 'list', JOB_ACTIONS, 'jobs');
  if (action === 'list') return listJobs(flags, context);
  if (action === 'run') return runJobs(idText === undefined ? null : parseId(idText, 'job'), flags, context);
  if (idText === undefined) throw new CliptraceError('USAGE', `jobs ${action} needs the id of a job`);
  const id = parseId(idText, 'job');
  if (action === 'show') return showJob(id, flags, context);
  if (action === 'follow') return followJob(id, flags, context);
  return control(action, id, flags, context);
}

async function listJobs(flags: JobsFlags, context: CommandContext): Promise<number> {
  const limit = parseNumber(flags.limit, '--limit', { min: 1, max: 1000, integer: true }) ?? 50;
  const jobs = await withLibrary(context, flags, (library) => library.listJobs(limit));
  if (flags.json) printJson(context.terminal, { jobs });
  else {
    const rows = jobs.map((job) => [job.id, statusText(job), job.createdAt, whatText(job), howFar(job)]);
    context.terminal.out(formatTable(['ID', 'Status', 'Created', 'What', 'Progress'], rows));
  }
  return EXIT_DONE;
}

async function showJob(id: number, flags: JobsFlags, context: CommandContext): Promise<number> {
  const { job, files } = await withLibrary(context, flags, async (library) => ({
    job: await requireJob(library, id),
    files: await library.jobFiles(id),
  }));
  if (flags.json) printJson(context.terminal, { ...job, failuresByCode: countFailures(files), files });
  else printJob(context.terminal, job, files);
  return EXIT_DONE;
}

/** Shows how a job of another process goes, until it ends. */
async function followJob(id: number, flags: JobsFlags, context: CommandContext): Promise<number> {
  const dataFolder = await openDataFolder(settingsOf(context, flags).dataRoot, { create: false });
  return withLibrary(context, flags, async (library) => {
    const progress = new IndexProgress(context.terminal);
    const first = await requireJob(library, id);
    if (!hasEnded(first) && !folderIsHeld(dataFolder)) context.terminal.err(NOBODY_WORKS);
    try {
      for (let told = first.lastEvent; ; ) {
        const job = await requireJob(library, id);
        for (const file of await library.jobFilesAfter(id, told, 1000)) {
          progress.tell({ type: 'file', job, file });
          told = file.eventNumber;
        }
        progress.tell({ type: 'progress', job });
        if (hasEnded(job)) {
          progress.stop();
          if (flags.json) printJson(context.terminal, job);
          else printJob(context.terminal, job, await library.jobFiles(id));
          return exitCodeOf(job);
        }
        await sleep(FOLLOW_INTERVAL_MS);
      }
    } finally {
      progress.stop();
    }
  });
}

async function control(
  command: JobCommand,
  id: number,
  flags: JobsFlags,
  context: CommandContext,
): Promise<number> {
  const { terminal } = context;
  const dataFolder = await openDataFolder(settingsOf(context, flags).dataRoot, { create: false });
  const job = await controlJob(dataFolder, id, command);
  if (flags.json) printJson(terminal, job);
  else if (job.wanted === null) terminal.out(`Job ${id} is ${job.status}`);
  else terminal.err(`Job ${id} is asked to ${job.wanted}; the process that runs it has not answered yet`);
  if (job.status === 'queued' && !(await settleAbandoned(dataFolder))) {
    terminal.err(NOBODY_WORKS);
  }
  return job.wanted === null ? EXIT_DONE : EXIT_FAILED;
}

/** Works off one job (a paused or failed one is resumed), or everything that is queued. */
async function runJobs(id: number | null, flags: JobsFlags, context: CommandContext): Promise<number> {
  const { terminal } = context;
  return withCliptrace(context, flags, 'write', async (cliptrace) => {
    const { library, jobs } = cliptrace;
    await library.requeueInterrupted();
    if (id === null) await jobs.queueStaleUploads();
    const queued =
      id === null
        ? (await library.pendingJobs()).filter((job) => job.status === 'queued')
        : [await jobs.resume(id)];
    const summaries: unknown[] = [];
    let code = EXIT_DONE;
    for (const job of queued) {
      const summary = await runJob(cliptrace, job, terminal);
      code = Math.max(code, exitCodeOf(summary.job));
      if (flags.json) summaries.push(summaryJson(summary));
      else printSummary(terminal, summary);
    }
    await finishCompaction(cliptrace, Number.POSITIVE_INFINITY, terminal);
    if (flags.json) printJson(terminal, { jobs: summaries });
    else if (queued.length === 0) terminal.out('No job is queued');
    return code;
  });
}

function printJob(terminal: Terminal, job: Job, files: readonly JobFile[]): void {
  const line = (name: string, value: string | number | null) =>
    terminal.out(`${name.padEnd(10)} ${printable(value ?? '-')}`);
  line('job', job.id);
  line('status', statusText(job));
  line('what', whatText(job));
  line('collection', job.request.collection);
  line('created', job.createdAt);
  line('started', job.startedAt);
  line('ended', job.endedAt);
  line('progress', progressLine(job.progress));
  if (job.error) line('error', `${job.error.code}: ${job.error.message}`);
  printFailures(terminal, files);
}

function statusText({ status, wanted }: Job): string {
  return wanted === null ? status : `${status}, to ${wanted}`;
}

function whatText({ request }: Job): string {
  if (request.type === 'evaluate') return `evaluate ${request.protocol}`;
  if (request.type === 'calibrate') return 'fit the scores';
  if (request.type === 'boilerplate') return 'look for boilerplate';
  if (request.type === 'duplicates') return 'list near-duplicates';
  if (request.type === 'upload') return `upload "${request.title}"`;
  return `index ${pathsText(request.paths) || 'uploads that another model embedded'}`;
}

/** A watch asks for thousands at once. */
function pathsText(paths: readonly string[]): string {
  const more = paths.length - SHOWN_PATHS;
  const shown = paths.slice(0, SHOWN_PATHS).join(' ');
  return more > 0 ? `${shown} and ${plural(more, 'more path')}` : shown;
}

function howFar({ progress, error }: Job): string {
  if (error) return error.code;
  if (progress.queriesTotal !== null) return progressLine(progress);
  if (progress.filesTotal === null) return '-';
  const { filesDone, filesSkipped, filesFailed, filesTotal } = progress;
  const failed = filesFailed > 0 ? `, ${filesFailed} failed` : '';
  return `${filesDone + filesSkipped + filesFailed} of ${plural(filesTotal ?? 0, 'file')}${failed}`;
}

function exitCodeOf(job: Job): number {
  if (job.status !== 'done') return EXIT_FAILED;
  return job.progress.filesFailed > 0 ? EXIT_SOME_FILES_FAILED : EXIT_DONE;
}

async function requireJob(library: Library, id: number): Promise<Job> {
  const job = await library.getJob(id);
  if (!job) throw new CliptraceError('JOB_NOT_FOUND', `There is no job ${id}: \`cliptrace jobs\` lists them`);
  return job;
}
