import type { Stats } from 'node:fs';
import { lstat, opendir, readlink, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { VideoFile } from '../library/types.js';
import { isMissing } from './place.js';

/** A file that is not at its place, though nobody may have deleted it: the folder is the mount point of its disk, or seems to be. */
export interface Unmounted {
  folder: string;
}

export type Absence = 'there' | 'deleted' | Unmounted;

/** Links that are followed from one path, as the system has it. */
const MAX_LINKS = 40;

/**
 * Why a file is not at its place, if it is not. On a disk that is not mounted: when the nearest folder that there is holds nothing, and
 * lies on another device than the file did. A folder that was emptied lies on the same.
 */
export async function absenceOf(file: Pick<VideoFile, 'path' | 'device'>): Promise<Absence> {
  if (!(await isMissing(file.path))) return 'there';
  const folder = await nearestFolder(file.path);
  if (folder !== null && isUnmounted(file.device, folder.device) && (await isEmpty(folder.path))) {
    return { folder: folder.path };
  }
  // It may have been mounted between the two looks.
  return (await isMissing(file.path)) ? 'deleted' : 'there';
}

/** `then`: where the file lay, if that was noted; `now`: where the folder lies that is left. */
export function isUnmounted(then: string | null | undefined, now: string): boolean {
  return then !== null && then !== undefined && then !== now;
}

/** The code and words with which a job tells of such a file. */
export function unmountedReason({ folder }: Unmounted): { code: 'DISK_NOT_MOUNTED'; message: string } {
  return {
    code: 'DISK_NOT_MOUNTED',
    message: `${folder} is empty and lies on another disk than the file did: its disk may not be mounted, so the library keeps the file`,
  };
}

/**
 * The device of the folder that a file lies in, links followed: that is what is left to compare with. (Some file systems, of containers
 * above all, give files another number than their folders.) Null when it cannot be told.
 */
export async function deviceOf(file: string, { dev }: Pick<Stats, 'dev'>): Promise<string | null> {
  try {
    const folder = await stat(path.dirname(file));
    if (folder.dev === dev) return String(dev);
    return String((await stat(path.dirname(await realpath(file)))).dev);
  } catch {
    return null;
  }
}

/** The nearest folder that there is on the way to a path, also through links that lead to nothing. Null: something else stands there. */
async function nearestFolder(file: string, links = 0): Promise<{ path: string; device: string } | null> {
  for (let at = file; ; at = path.dirname(at)) {
    try {
      const info = await stat(at);
      return info.isDirectory() && at !== file ? { path: at, device: String(info.dev) } : null;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || at === path.dirname(at)) return null;
    }
    const target = await linkTarget(at);
    if (target !== null) return links < MAX_LINKS ? nearestFolder(target, links + 1) : null;
  }
}

async function linkTarget(at: string): Promise<string | null> {
  try {
    if (!(await lstat(at)).isSymbolicLink()) return null;
    return path.resolve(await realpath(path.dirname(at)), await readlink(at));
  } catch {
    return null;
  }
}

async function isEmpty(folder: string): Promise<boolean> {
  try {
    const entries = await opendir(folder);
    const first = await entries.read();
    await entries.close();
    return first === null;
  } catch {
    return false;
  }
}
