import { lstat, stat } from 'node:fs/promises';
import path from 'node:path';
import { checkContainer, saysNoVideo, VIDEO_EXTENSIONS } from '../media/container-check.js';

/**
 * What lies at a path: a file that a walk takes for a video (its content looks like one, or its name claims it), a folder, something
 * else, or certainly nothing, also at the end of a link. `unknown`: the disk does not tell.
 */
export type Place = 'video' | 'folder' | 'other' | 'nothing' | 'unknown';

export async function placeAt(file: string): Promise<Place> {
  try {
    const info = await stat(file);
    if (info.isDirectory()) return 'folder';
    if (!info.isFile()) return 'other';
    if (claimsVideo(file)) return 'video';
    await checkContainer(file);
    return 'video';
  } catch (error) {
    if (isNotThere(error)) return 'nothing';
    return saysNoVideo(error) ? 'other' : 'unknown';
  }
}

/** True only when there is certainly nothing: an unreadable folder or an input/output error does not count. */
export async function isGone(file: string): Promise<boolean> {
  try {
    await stat(file);
    return false;
  } catch (error) {
    return isNotThere(error);
  }
}

/** True when the file that was at a path is certainly there no longer, whatever has taken its place: unless that may be a video, too. */
export async function isMissing(file: string): Promise<boolean> {
  const place = await placeAt(file);
  return place !== 'video' && place !== 'unknown';
}

export async function isLink(entry: string | Buffer): Promise<boolean> {
  try {
    return (await lstat(entry)).isSymbolicLink();
  } catch {
    return false;
  }
}

export function claimsVideo(file: string): boolean {
  return VIDEO_EXTENSIONS.has(path.extname(file).toLowerCase());
}

function isNotThere(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'FILE_NOT_FOUND';
}
