import { CliptraceError, errorCodeOf } from '../../index/errors.js';
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

export async function findJob({ jobs }: Cliptrace, id: number): Promise<Job> {
  try {
    return await jobs.get(id);
  } catch (error) {
    if (errorCodeOf(error) !== 'JOB_NOT_FOUND') throw error;
    throw new CliptraceError('JOB_NOT_FOUND', `There is no job ${id}. GET /api/v1/jobs lists what there is.`);
  }
}

/** A filter by a collection that does not exist would find nothing, and look like an answer. */
export async function requireCollection({ library }: Cliptrace, name: string | undefined): Promise<void> {
  if (name === undefined) return;
  const names = (await library.listCollections()).map((collection) => collection.name);
  if (names.includes(name)) return;
  const known = names
    .slice(0, 10)
    .map((known) => JSON.stringify(known))
    .join(', ');
  throw new CliptraceError(
    'COLLECTION_NOT_FOUND',
    `There is no collection ${JSON.stringify(name)}. ${known === '' ? 'The library has none yet.' : `There is ${known}${names.length > 10 ? ', …' : ''}.`}`,
  );
}
