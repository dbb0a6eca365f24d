import { rm } from 'node:fs/promises';
import { hasEnded, isResumable } from '../library/job-status.js';
import type { Job, Library } from '../library/types.js';

/** Removes the file of an upload whose job has ended for good without a video that it belongs to. */
export async function removeUnusedUpload(job: Job, library: Pick<Library, 'findFile'>): Promise<void> {
  const { request } = job;
  if (request.type !== 'upload' || !hasEnded(job) || isResumable(job)) return;
  try {
    if ((await library.findFile(request.collection, request.path)) === null) {
      await rm(request.path, { force: true });
    }
  } catch {
    // The job has ended all the same; the next start sweeps what is left.
  }
}
