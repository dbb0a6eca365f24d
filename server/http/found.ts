import { CliptraceError, errorCodeOf } from '../../index/errors.js';
import type { StoredEvaluation } from '../../index/evaluation/types.js';
import type { Job, Video } from '../../index/library/types.js';
import type { Cliptrace } from '../../index/types.js';
import { maySeeCollection, type Principal } from '../access/principal.js';

/** VIDEO_NOT_FOUND, also for a video that is not theirs to see. */
export async function findVideo({ library }: Cliptrace, principal: Principal, id: number): Promise<Video> {
  const video = await library.getVideo(id);
  if (video === null || !maySeeCollection(principal, video.collection)) throw videoNotFound(id);
  return video;
}

export function videoNotFound(id: number): CliptraceError {
  return new CliptraceError(
    'VIDEO_NOT_FOUND',
    `There is no video ${id}. GET /api/v1/videos lists what there is.`,
  );
}

/** JOB_NOT_FOUND, also for a job of a collection that is not theirs. */
export async function findJob({ jobs }: Cliptrace, principal: Principal, id: number): Promise<Job> {
  const job = await jobs.get(id).catch((error: unknown) => {
    if (errorCodeOf(error) !== 'JOB_NOT_FOUND') throw error;
    return null;
  });
  if (job !== null && maySeeCollection(principal, job.request.collection)) return job;
  throw new CliptraceError('JOB_NOT_FOUND', `There is no job ${id}. GET /api/v1/jobs lists what there is.`);
}

/** KEY_NOT_ALLOWED when the collection (null: all of them) is not theirs. */
export function requireOwnCollection({ collections }: Principal, name: string | null): void {
  if (collections === null || (name !== null && collections.includes(name))) return;
  throw new CliptraceError(
    'KEY_NOT_ALLOWED',
    `This API key is good for ${collections.map((own) => JSON.stringify(own)).join(', ')} only, ` +
      `not for ${name === null ? 'the whole library' : `the collection ${JSON.stringify(name)}`}. Name one of them.`,
  );
}

/** The evaluation and its job, which have the same id. EVALUATION_NOT_FOUND, also for one that is not theirs to see. */
export async function findEvaluation(
  { jobs, library }: Cliptrace,
  principal: Principal,
  id: number,
): Promise<{ job: Job; stored: StoredEvaluation }> {
  const stored = await library.getEvaluation(id);
  if (stored === null || !maySeeCollection(principal, stored.request.collection)) {
    throw new CliptraceError(
      'EVALUATION_NOT_FOUND',
      `There is no evaluation ${id}. GET /api/v1/evaluations lists what there is.`,
    );
  }
  return { job: await jobs.get(id), stored };
}

/** A filter by a collection that does not exist would find nothing, and look like an answer. */
export async function requireCollection(
  { library }: Cliptrace,
  principal: Principal,
  name: string | undefined,
): Promise<void> {
  if (name === undefined) return;
  const names = (await library.listCollections())
    .map((collection) => collection.name)
    .filter((known) => maySeeCollection(principal, known));
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
