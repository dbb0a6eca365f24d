import type { Job, JobProgress } from './types.js';

/** True when nothing more will happen to the job. A paused job has not ended. */
export function hasEnded({ status }: Pick<Job, 'status'>): boolean {
  return status === 'done' || status === 'failed' || status === 'cancelled';
}

/** The progress of a job that nobody works on: what was begun and not finished does not count. */
export function atRest(progress: JobProgress): JobProgress {
  const begunSeconds = progress.filesInHand.reduce((sum, { doneSeconds }) => sum + doneSeconds, 0);
  return {
    ...progress,
    videoSeconds: Math.max(0, progress.videoSeconds - begunSeconds),
    durationDoneSeconds: Math.max(0, progress.durationDoneSeconds - begunSeconds),
    etaSeconds: null,
    currentFile: null,
    filesInHand: [],
  };
}
