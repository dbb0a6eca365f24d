import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { explainWriteError } from '../storage-errors.js';
import type { DataFolder } from '../types.js';
import { lockDataFolder } from './folder-lock.js';
import { lastingNamesIn } from './own-files.js';

/** Lists the files of a restored folder that stand beside it, and says which backup they are of. */
const RESTORE_LIST = 'restored-files.json';

interface RestoreList {
  /** Null when an earlier version wrote the list. */
  backupSha256: string | null;
  files: string[];
}

/** A whole restored folder that waits to take the place of what is there. Its appearance is what makes a restore happen. */
export function restoreFolderOf(folder: DataFolder): string {
  return join(folder.root, 'restore.complete');
}

/** The last file of an unpacked backup, on the disk when this resolves. */
export async function writeRestoreList(staging: string, list: RestoreList): Promise<void> {
  await writeFile(join(staging, RESTORE_LIST), JSON.stringify(list), { flush: true });
}

/**
 * Carries a restore to its end that was killed after it had become certain: so a data folder is either as it was, or
 * restored. Answers of which backup, or null when none was on its way or nobody knows. DATA_FOLDER_IN_USE while the
 * process that restores is still at it.
 */
export function finishInterruptedRestore(folder: DataFolder): string | null {
  if (!existsSync(restoreFolderOf(folder))) return null;
  const lock = lockDataFolder(folder);
  try {
    return moveRestored(folder);
  } catch (error) {
    throw explainWriteError(error, `The data folder ${folder.root}`);
  } finally {
    lock.release();
  }
}

/** Every step can be repeated. The library comes last. For who holds the data folder. */
export function moveRestored(folder: DataFolder): string | null {
  const restored = restoreFolderOf(folder);
  const list = readList(restored);
  if (list === null) {
    removeEmpty(folder);
    return null;
  }
  const kept = new Set(list.files);
  for (const [name, target] of foldersOf(folder)) {
    mkdirSync(target, { recursive: true });
    for (const old of lastingNamesIn(target, name)) {
      if (!kept.has(`${name}/${old}`)) rmSync(join(target, old), { force: true });
    }
    for (const file of namesIn(join(restored, name))) move(join(restored, name, file), join(target, file));
  }
  const library = join(restored, 'library.sqlite');
  if (existsSync(library)) {
    // They belong to the library that goes.
    for (const suffix of ['-wal', '-shm', '-journal'])
      rmSync(`${folder.databaseFile}${suffix}`, { force: true });
    move(library, folder.databaseFile);
  }
  // The list after all that it is needed for: without it nobody could go on from here.
  for (const name of readdirSync(restored)) {
    if (name !== RESTORE_LIST) rmSync(join(restored, name), { recursive: true, force: true });
  }
  rmSync(restored, { recursive: true, force: true });
  return list.backupSha256;
}

/** Null when there is none: what a restore is made of has been moved by then, or it is none of ours. */
function readList(restored: string): RestoreList | null {
  try {
    const list = JSON.parse(readFileSync(join(restored, RESTORE_LIST), 'utf8')) as RestoreList | string[];
    return Array.isArray(list) ? { backupSha256: null, files: list } : list;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** What is left of a restore whose list went before them. Nothing that holds a file. */
function removeEmpty(folder: DataFolder): void {
  const restored = restoreFolderOf(folder);
  for (const path of [...foldersOf(folder).map(([name]) => join(restored, name)), restored]) {
    try {
      rmdirSync(path);
    } catch {
      // It is gone already, or not ours.
    }
  }
}

function foldersOf(folder: DataFolder): ['media' | 'thumbnails' | 'vectors', string][] {
  return [
    ['vectors', folder.vectorsFolder],
    ['media', folder.mediaFolder],
    ['thumbnails', folder.thumbnailsFolder],
  ];
}

function move(from: string, to: string): void {
  // No file can take the place of a folder.
  if (lstatSync(to, { throwIfNoEntry: false })?.isDirectory()) rmSync(to, { recursive: true });
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
