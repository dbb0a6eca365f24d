import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { stripFault } from '../media/picture-strip.js';
import { THUMBNAIL_NAME } from '../thumbnails.js';
import type { ExpectedFile } from './check-files.js';
import type { Problem } from './types.js';

/**
 * Files of pictures in which no picture can be found. Without one, pictures are made of the video when they are asked for: where
 * that is gone, it stays for what may still be read of it.
 */
export async function checkPictures(
  thumbnailsFolder: string,
  files: readonly ExpectedFile[],
): Promise<Problem[]> {
  // A folder that cannot be read is told by checkFolders.
  const names = await readdir(thumbnailsFolder).catch(() => []);
  const problems: Problem[] = [];
  for (const name of names) {
    const parts = THUMBNAIL_NAME.exec(name)?.groups;
    if (!parts || !name.endsWith('.strip')) continue;
    const own = files.filter(({ videoId }) => videoId === Number(parts.videoId));
    // Pictures of no video are told as stray.
    if (own.length === 0) continue;
    const path = join(thumbnailsFolder, name);
    const detail = await stripFault(path);
    if (detail === null) continue;
    const canBeMade = await isThere(own);
    problems.push({
      code: 'PICTURES_DAMAGED',
      subject: path,
      detail,
      repair: canBeMade ? { kind: 'delete-file', path } : null,
      remedy: canBeMade ? '' : 'Restore the file of the video and repair again, or delete this one.',
    });
  }
  return problems;
}

async function isThere(files: readonly ExpectedFile[]): Promise<boolean> {
  for (const { path, sizeBytes } of files) {
    const size = await stat(path).then(
      (stats) => stats.size,
      () => null,
    );
    if (size === sizeBytes) return true;
  }
  return false;
}
