import { stat } from 'node:fs/promises';
import type { Job, JobRequest, Library } from '../library/types.js';
import type { FoundFile } from './own-media.js';

/**
 * Uploads of a collection whose videos the model in use has not embedded: no archive would bring them again. One file for each video;
 * a file that is not there is told by `cliptrace verify`.
 */
export async function staleUploads(
  library: Pick<Library, 'ownedFiles' | 'staleVideos'>,
  collection: string,
  modelId: string,
): Promise<FoundFile[]> {
  const stale = new Set(await library.staleVideos(modelId));
  const found: FoundFile[] = [];
  if (stale.size === 0) return found;
  for (const file of await library.ownedFiles()) {
    if (file.collection !== collection || !stale.has(file.videoId)) continue;
    const info = await stat(file.path).catch(() => null);
    if (!info?.isFile()) continue;
    found.push({
      path: file.path,
      sizeBytes: info.size,
      modifiedMs: info.mtimeMs,
      device: null,
      owned: true,
    });
    stale.delete(file.videoId);
  }
  return found;
}

/** An index job that reads nothing of an archive: every index job takes the stale uploads of its collection along. */
export function uploadsRequest(collection: string): Extract<JobRequest, { type: 'index' }> {
  return { type: 'index', paths: [], collection, labelFrom: null, prune: false };
}

/** Queues what embeds the stale uploads of every collection, unless that waits already. */
export async function queueStaleUploads(library: Library, modelId: string): Promise<Job[]> {
  const waiting = new Set(
    (await library.pendingJobs()).flatMap(({ request }) =>
      request.type === 'index' && request.paths.length === 0 ? request.collection : [],
    ),
  );
  const queued: Job[] = [];
  if ((await library.staleVideos(modelId)).length === 0) return queued;
  for (const { name } of await library.listCollections()) {
    if (waiting.has(name) || (await staleUploads(library, name, modelId)).length === 0) continue;
    queued.push(await library.createJob(uploadsRequest(name)));
  }
  return queued;
}
