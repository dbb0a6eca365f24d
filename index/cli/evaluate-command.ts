import { access, constants, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenedCliptrace } from '../cliptrace.js';
import { CliptraceError, type ErrorCode, errorCodeOf, errorMessageOf } from '../errors.js';
import { evaluate } from '../evaluation/evaluator.js';
import { reportHtml } from '../evaluation/html/report-html.js';
import { type EvaluationJson, presentEvaluation } from '../evaluation/present.js';
import { readReportFile } from '../evaluation/report-file.js';
import { evaluationBody, requestOf } from '../evaluation/request.js';
import type { EvaluationReport, EvaluationRequest } from '../evaluation/types.js';
import { openDataFolder } from '../library/data-folder.js';
import { hasEnded } from '../library/job-status.js';
import { openLibrary } from '../library/sqlite-library.js';
import type { Library } from '../library/types.js';
import { defaultMediaLimits } from '../media/limits.js';
import type { DataFolder } from '../types.js';
import { type CommandContext, type CommonFlags, parseNumber, settingsOf, withCliptrace } from './context.js';
import { printEvaluation } from './evaluation-text.js';
import { EXIT_DONE, EXIT_FAILED } from './exit-codes.js';
import { IndexProgress } from './index-progress.js';
import { settleAbandoned } from './job-control.js';
import { printable, printJson, type Terminal } from './output.js';
import { onStop, runJob } from './run-job.js';

export interface EvaluateFlags extends CommonFlags {
  protocol?: string;
  collection?: string;
  k?: string;
  ranking?: string;
  queries?: string;
  pairs?: string;
  parts?: string;
  edits?: string;
  pairsPerPart?: string;
  html?: string;
  against?: string;
  againstData?: string;
  againstModel?: string;
  queryCount?: string;
  ef?: string;
  targetRecall?: string;
  maxQueries?: string;
  seed?: string;
  resamples?: string;
}

const FOLLOW_INTERVAL_MS = 500;
/** Whether the process that holds the data folder is still there is asked every so many looks. */
const LOOKS_PER_CHECK = 4;

/** `cliptrace evaluate`. While a server holds the data folder, it does the work, and this waits for it. */
export async function evaluateCommand(flags: EvaluateFlags, context: CommandContext): Promise<number> {
  if (flags.html !== undefined) await checkReportPath(flags.html);
  const asked = await requestOfFlags(flags);
  const request = { ...asked, against: await againstOf(asked, flags, context) };
  const { terminal } = context;
  const evaluation = await evaluateHere(request, flags, context).catch((error: unknown) => {
    if (errorCodeOf(error) !== 'DATA_FOLDER_IN_USE') throw error;
    terminal.err('Another process works on this data folder: it is asked to do the evaluation');
    return evaluateThere(request, flags, context);
  });
  const isWritten = flags.html === undefined || (await writeReport(flags.html, evaluation, terminal));
  if (flags.json) printJson(terminal, evaluation);
  else printEvaluation(terminal, evaluation);
  return isWritten ? EXIT_DONE : EXIT_FAILED;
}

/** Before hours of work, not after them. USAGE. */
async function checkReportPath(file: string): Promise<void> {
  const wrong = (what: string, cause?: unknown) =>
    new CliptraceError('USAGE', `--html is ${JSON.stringify(file)}: ${what}`, { cause });
  if (file === '') throw wrong('name a file');
  const found = await stat(file).catch(() => null);
  if (found?.isDirectory()) throw wrong('it is a folder, name a file in it');
  const folder = path.dirname(path.resolve(file));
  if (!(await stat(folder).catch(() => null))?.isDirectory())
    throw wrong(`there is no folder ${folder}, make it first`);
  await access(found ? file : folder, constants.W_OK).catch((cause: unknown) => {
    throw wrong(`it cannot be written (${errorMessageOf(cause)}), name another place`, cause);
  });
}

/** What was measured is told, whatever becomes of the file. */
async function writeReport(file: string, evaluation: EvaluationJson, terminal: Terminal): Promise<boolean> {
  try {
    await writeFile(file, reportHtml(evaluation));
    return true;
  } catch (error) {
    terminal.err(`The report cannot be written to ${printable(file)}: ${errorMessageOf(error)}`);
    return false;
  }
}

async function requestOfFlags(flags: EvaluateFlags): Promise<EvaluationRequest> {
  const whole = (text: string | undefined, name: string, min: number) =>
    parseNumber(text, name, { min, max: Number.MAX_SAFE_INTEGER, integer: true });
  const given = {
    protocol: flags.protocol ?? (flags.pairs === undefined ? 'labels' : 'pairs'),
    collection: flags.collection,
    k: flags.k?.split(',').map((k) => whole(k, '-k', 1)),
    ranking: flags.ranking,
    queriesCsv: flags.queries === undefined ? undefined : await readCsv(flags.queries),
    pairsCsv: flags.pairs === undefined ? undefined : await readCsv(flags.pairs),
    partCount: whole(flags.parts, '--parts', 1),
    edits: flags.edits?.split(','),
    pairsPerPart: whole(flags.pairsPerPart, '--pairs-per-part', 0),
    queryCount: whole(flags.queryCount, '--query-count', 1),
    efs: flags.ef?.split(',').map((ef) => whole(ef, '--ef', 1)),
    targetRecall: parseNumber(flags.targetRecall, '--target-recall', { min: 0, max: 1 }),
    maxQueries: whole(flags.maxQueries, '--max-queries', 1),
    seed: whole(flags.seed, '--seed', 0),
    resamples: whole(flags.resamples, '--resamples', 1),
  };
  const parsed = evaluationBody.safeParse(given);
  if (!parsed.success) {
    const told = parsed.error.issues.map(({ path: field, message }) => `${field.join('.')}: ${message}`);
    throw new CliptraceError('USAGE', told.join('; '));
  }
  const csv = flags.queries ?? flags.pairs;
  const baseFolder = csv === undefined ? null : path.dirname(path.resolve(csv));
  return requestOf(parsed.data, { baseFolder, queryRoots: null });
}

/** The evaluation to compare with: by its id, from a file, or made now with another data folder or model. */
async function againstOf(
  request: EvaluationRequest,
  flags: EvaluateFlags,
  context: CommandContext,
): Promise<EvaluationRequest['against']> {
  const { against, againstData, againstModel } = flags;
  if (against !== undefined && (againstData !== undefined || againstModel !== undefined)) {
    throw new CliptraceError('USAGE', 'Give --against or --against-data and --against-model, not both');
  }
  if (against !== undefined) {
    if (/^\d+$/.test(against)) return { evaluationId: Number(against) };
    return { report: await readReportFile(against) };
  }
  if (againstData === undefined && againstModel === undefined) return null;
  const env = againstModel === undefined ? context.env : { ...context.env, CLIPTRACE_MODEL: againstModel };
  const there = { ...flags, ...(againstData === undefined ? {} : { data: againstData }) };
  const report = await withCliptrace({ ...context, env }, there, 'read', (cliptrace) =>
    evaluateNow(request, cliptrace),
  );
  return { report };
}

/** Without a job, and nothing is kept: the data folder may be another's. */
async function evaluateNow(
  request: EvaluationRequest,
  cliptrace: OpenedCliptrace,
): Promise<EvaluationReport> {
  const { library, searcher, index, ffmpeg, encoder } = cliptrace;
  const folder = await mkdtemp(path.join(tmpdir(), 'cliptrace-evaluation-'));
  const stop = new AbortController();
  const release = onStop(async () => stop.abort());
  try {
    return await evaluate(
      request,
      {
        ...{ library, searcher, index, ffmpeg, model: encoder.manifest },
        limits: defaultMediaLimits,
        temporaryFolder: folder,
        mediaPath: (videoId) => cliptrace.mediaPath(videoId),
      },
      { signal: stop.signal, onProgress: () => undefined },
    );
  } finally {
    release();
    await rm(folder, { recursive: true, force: true });
  }
}

async function readCsv(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code: ErrorCode =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'FILE_NOT_FOUND' : 'FILE_NOT_READABLE';
    throw new CliptraceError(code, `${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** @param queuedId of an evaluation that waits already */
function evaluateHere(
  request: EvaluationRequest,
  flags: EvaluateFlags,
  context: CommandContext,
  queuedId?: number,
): Promise<EvaluationJson> {
  return withCliptrace(context, flags, 'write', async (cliptrace) => {
    const id = queuedId ?? (await cliptrace.jobs.submitEvaluation(request)).id;
    const { job } = await runJob(cliptrace, await cliptrace.jobs.get(id), context.terminal);
    return presentEvaluation(job, { report: (await cliptrace.library.getEvaluation(id))?.report ?? null });
  });
}

/**
 * Queues the evaluation and waits for the process that holds the data folder. Ctrl-C cancels it. When that process ends
 * without having done it (an index command does not look at the queue), it is done here.
 */
async function evaluateThere(
  request: EvaluationRequest,
  flags: EvaluateFlags,
  context: CommandContext,
): Promise<EvaluationJson> {
  const dataFolder: DataFolder = await openDataFolder(settingsOf(context, flags).dataRoot, { create: false });
  const library = await openLibrary({ dataFolder, mode: 'control' });
  let id: number | null = null;
  const release = onStop(async () => id !== null && (await library.controlJob(id, 'cancel')));
  try {
    id = (await library.createEvaluation(request)).id;
    const evaluation = await follow(library, id, dataFolder, context.terminal);
    if (evaluation) return evaluation;
  } finally {
    release();
    await library.close();
  }
  return evaluateHere(request, flags, context, id);
}

/** Until it has ended; null when no process works on the data folder any more. */
async function follow(
  library: Library,
  id: number,
  dataFolder: DataFolder,
  terminal: Terminal,
): Promise<EvaluationJson | null> {
  const progress = new IndexProgress(terminal);
  for (let looks = 1; ; looks += 1) {
    const job = await library.getJob(id);
    if (!job) throw new CliptraceError('JOB_NOT_FOUND', `Evaluation ${id} has been removed`);
    progress.tell({ type: 'progress', job });
    if (hasEnded(job)) {
      if (job.status === 'failed' && job.error) {
        throw new CliptraceError(job.error.code as ErrorCode, job.error.message);
      }
      if (job.status === 'cancelled') throw new CliptraceError('CANCELLED', `Evaluation ${id} was cancelled`);
      return presentEvaluation(job, { report: (await library.getEvaluation(id))?.report ?? null });
    }
    if (looks % LOOKS_PER_CHECK === 0 && job.status !== 'paused' && !(await settleAbandoned(dataFolder)))
      return null;
    await sleep(FOLLOW_INTERVAL_MS);
  }
}
