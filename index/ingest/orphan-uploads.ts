import { lstat } from 'node:fs/promises';
import { deleteOwn, ownFilesIn, UPLOAD_NAME } from '../library/own-files.js';
import type { Library } from '../library/types.js';

/**
 * Uploads in the media folder that belong to no video, to no watch and to no job that is still to come or may be resumed: what a
 * process left that died between storing an upload and recording it. Only files that the product has named, see `own-files.ts`, and none
 * that is older than the library: it was uploaded to one that was in this place before, and may be its only copy.
 */
export async function findOrphanUploads(mediaFolder: string, library: Library): Promise<string[]> {
  const uploads = await ownFilesIn(mediaFolder, UPLOAD_NAME);
  if (uploads.length === 0) return [];
  const kept = await keptUploads(library);
  const createdMs = (await library.createdAt()).getTime();
  const orphans: string[] = [];
  for (const upload of uploads) {
    if (kept.has(upload) || (await isKnown(upload, library))) continue;
    const info = await lstat(upload).catch(() => null);
    if (info !== null && info.mtimeMs >= createdMs) orphans.push(upload);
  }
  return orphans;
}

/** Deletes them. Only for who holds the data folder. */
export async function removeOrphanUploads(mediaFolder: string, library: Library): Promise<string[]> {
  const orphans = await findOrphanUploads(mediaFolder, library);
  for (const orphan of orphans) await deleteOwn(orphan);
  return orphans;
}

async function keptUploads(library: Library): Promise<Set<string>> {
  const kept = new Set((await library.ownedFiles()).map((file) => file.path));
  for (const { request } of [...(await library.pendingJobs()), ...(await library.resumableUploads())]) {
    if (request.type === 'upload') kept.add(request.path);
  }
  for (const clip of await library.watches.clipPaths()) kept.add(clip);
  return kept;
}

/** A file that is known is nobody's leftover, whether it goes with its video or not. */
async function isKnown(file: string, library: Library): Promise<boolean> {
  for (const { name } of await library.listCollections()) {
    if ((await library.findFile(name, file)) !== null) return true;
  }
  return false;
}
