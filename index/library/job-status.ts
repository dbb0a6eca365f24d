import type { ErrorCode } from '../errors.js';
import type { Job, JobProgress } from './types.js';

/** True when nothing more will happen to the job. A paused job has not ended. */
export function hasEnded({ status }: Pick<Job, 'status'>): boolean {
  return status === 'done' || status === 'failed' || status === 'cancelled';
}

/** Failures that no other file would escape: the job stops, and goes on when the cause is gone. */
export const STOPPING_CODES: ReadonlySet<ErrorCode> = new Set([
  'DISK_FULL',
  'LIBRARY_DAMAGED',
  'DATA_FOLDER_NOT_WRITABLE',
  'FFMPEG_NOT_FOUND',
  'FFMPEG_NOT_USABLE',
  'MODEL_NOT_FOUND',
  'MODEL_INVALID',
  'INDEX_FULL',
  'CANCELLED',
  'INTERNAL',
]);

/** True when a failed job can go on: an upload only when nothing was wrong with its file, which is kept then. */
export function isResumable({ status, request, error }: Pick<Job, 'status' | 'request' | 'error'>): boolean {
  if (status !== 'failed') return false;
  if (request.type !== 'upload') return true;
  const code = (error?.code ?? 'INTERNAL') as ErrorCode;
  // What has no code of its own may well be the file's doing: it is not kept for ever.
  return code !== 'INTERNAL' && STOPPING_CODES.has(code);
}

/** True when the job goes on by itself as soon as there is room. */
export function isStoppedForRoom({ status, error }: Pick<Job, 'status' | 'error'>): boolean {
  return status === 'failed' && error?.code === 'DISK_FULL';
}

/** The progress of a job that nobody works on: what was begun and not finished does not count. */
export function atRest(progress: JobProgress): JobProgress {
  const begun = { seconds: 0, segments: 0, bytes: 0 };
  // Rows of older versions tell the seconds alone.
  for (const { doneSeconds, segments = 0, bytesDone = 0 } of progress.filesInHand) {
    begun.seconds += doneSeconds;
    begun.segments += segments;
    begun.bytes += bytesDone;
  }
  return {
    ...progress,
    segments: Math.max(0, progress.segments - begun.segments),
    videoSeconds: Math.max(0, progress.videoSeconds - begun.seconds),
    durationDoneSeconds: Math.max(0, progress.durationDoneSeconds - begun.seconds),
    bytesDone: Math.max(0, progress.bytesDone - begun.bytes),
    etaSeconds: null,
    currentFile: null,
    filesInHand: [],
  };
}
