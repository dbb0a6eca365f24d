import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Library } from '../library/types.js';

/**
 * Files of the media folder that belong to no video, to no watch and to no job that is still to come or may be resumed: what a
 * process left that died between storing an upload and recording it.
 */
export async function findOrphanUploads(mediaFolder: string, library: Library): Promise<string[]> {
  const owned = new Set((await library.ownedFiles()).map((file) => file.path));
  for (const { request } of [...(await library.pendingJobs()), ...(await library.resumableUploads())]) {
    if (request.type === 'upload') owned.add(request.path);
  }
  for (const clip of await library.watches.clipPaths()) owned.add(clip);
  return (await readdir(mediaFolder))
    .map((name) => path.join(mediaFolder, name))
    .filter((file) => !owned.has(file));
}

/** Deletes them. Only for who holds the data folder. */
export async function removeOrphanUploads(mediaFolder: string, library: Library): Promise<string[]> {
  const orphans = await findOrphanUploads(mediaFolder, library);
  for (const orphan of orphans) await rm(orphan, { recursive: true, force: true });
  return orphans;
}
