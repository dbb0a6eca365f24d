import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DataFolder } from '../types.js';
import { lockDataFolder } from './folder-lock.js';

/** Lists the files of a restored folder that stand beside it. */
export const RESTORE_LIST = 'restored-files.json';

/** A whole restored folder that waits to take the place of what is there. Its appearance is what makes a restore happen. */
export function restoreFolderOf(folder: DataFolder): string {
  return join(folder.root, 'restore.complete');
}

/**
 * Carries a restore to its end that was killed after it had become certain: so a data folder is either as it was, or
 * restored. DATA_FOLDER_IN_USE while the process that restores is still at it.
 */
export function finishInterruptedRestore(folder: DataFolder): void {
  if (!existsSync(restoreFolderOf(folder))) return;
  const lock = lockDataFolder(folder);
  try {
    moveRestored(folder);
  } finally {
    lock.release();
  }
}

/** Every step can be repeated. The library comes last. For who holds the data folder. */
export function moveRestored(folder: DataFolder): void {
  const restored = restoreFolderOf(folder);
  if (!existsSync(restored)) return;
  const kept = new Set(JSON.parse(readFileSync(join(restored, RESTORE_LIST), 'utf8')) as string[]);
  for (const [name, target] of foldersOf(folder)) {
    mkdirSync(target, { recursive: true });
    for (const old of readdirSync(target)) {
      if (!kept.has(`${name}/${old}`)) rmSync(join(target, old), { recursive: true, force: true });
    }
    for (const file of namesIn(join(restored, name))) move(join(restored, name, file), join(target, file));
  }
  const library = join(restored, 'library.sqlite');
  if (existsSync(library)) {
    // The log belongs to the library that goes.
    for (const suffix of ['-wal', '-shm']) rmSync(`${folder.databaseFile}${suffix}`, { force: true });
    renameSync(library, folder.databaseFile);
  }
  rmSync(restored, { recursive: true, force: true });
}

function foldersOf(folder: DataFolder): [string, string][] {
  return [
    ['vectors', folder.vectorsFolder],
    ['media', folder.mediaFolder],
    ['thumbnails', folder.thumbnailsFolder],
  ];
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    // A folder below may be mounted from another disk.
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    copyFileSync(from, to);
    rmSync(from);
  }
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
