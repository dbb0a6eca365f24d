import { CliptraceError } from '../../index/errors.js';
import type { Job, Video } from '../../index/library/types.js';
import type { Cliptrace } from '../../index/types.js';

export async function findVideo({ library }: Cliptrace, id: number): Promise<Video> {
  const video = await library.getVideo(id);
  if (video === null) throw videoNotFound(id);
  return video;
}

export function videoNotFound(id: number): CliptraceError {
  return new CliptraceError(
    'VIDEO_NOT_FOUND',
    `There is no video ${id}. GET /api/v1/videos lists what there is.`,
  );
}

export async function findJob({ library }: Cliptrace, id: number): Promise<Job> {
  const job = await library.getJob(id);
  if (job === null) {
    throw new CliptraceError('JOB_NOT_FOUND', `There is no job ${id}. GET /api/v1/jobs lists what there is.`);
  }
  return job;
}
