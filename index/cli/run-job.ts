import type { OpenedCliptrace } from '../cliptrace.js';
import { CliptraceError, type ErrorCode } from '../errors.js';
import type { Job, JobFile } from '../library/types.js';
import { IndexProgress } from './index-progress.js';
import type { Terminal } from './output.js';

export interface IndexSummary {
  job: Job;
  /** Of the whole job, also those that an earlier process finished. */
  files: JobFile[];
  elapsedSeconds: number;
}

/**
 * Runs a job in this process and shows how it goes. While it is paused, waits. Ctrl-C cancels it, SIGTERM (a machine that
 * shuts down) queues it again; a paused one stays paused either way. Throws why it failed, or CANCELLED.
 */
export async function runJob(
  cliptrace: OpenedCliptrace,
  { id }: Job,
  terminal: Terminal,
): Promise<IndexSummary> {
  const { jobs, library } = cliptrace;
  const startedAt = performance.now();
  const progress = new IndexProgress(terminal);
  const unsubscribe = jobs.subscribe(id, (event) => progress.tell(event));
  const release = onStop(async (signal) => {
    const { status } = await jobs.get(id);
    await (signal === 'SIGINT' && status !== 'paused' ? jobs.cancel(id) : jobs.stop());
  });
  try {
    const job = await jobs.get(id);
    if (job.status === 'paused') progress.tell({ type: 'progress', job });
    const ended = await jobs.run(job);
    progress.stop();
    if (ended.status !== 'done') throw whyNotDone(ended);
    return {
      job: ended,
      files: await library.jobFiles(id),
      elapsedSeconds: (performance.now() - startedAt) / 1000,
    };
  } finally {
    release();
    unsubscribe();
    progress.stop();
  }
}

/** Calls back at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function onStop(stop: (signal: 'SIGINT' | 'SIGTERM') => Promise<unknown>): () => void {
  let asked = false;
  const handle = (signal: NodeJS.Signals) => {
    if (asked) process.exit(1);
    asked = true;
    // It may have ended in between: then there is nothing to stop.
    stop(signal as 'SIGINT').catch(() => undefined);
  };
  process.on('SIGINT', handle).on('SIGTERM', handle);
  return () => void process.off('SIGINT', handle).off('SIGTERM', handle);
}

function whyNotDone({ id, status, error }: Job): CliptraceError {
  if (status === 'failed' && error) return new CliptraceError(error.code as ErrorCode, error.message);
  const why =
    status === 'paused'
      ? `Job ${id} stays paused: \`cliptrace jobs resume ${id}\` lets it go on`
      : status === 'queued'
        ? `Job ${id} was interrupted: run the same again, \`cliptrace jobs run\` or \`cliptrace serve\` to go on`
        : `Job ${id} was cancelled: what is finished stays; run it again to go on`;
  return new CliptraceError('CANCELLED', why);
}
