import { existsSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { CliptraceError } from '../errors.js';
import { createFolder } from '../library/data-folder.js';
import { checkDatabase, openDatabase } from '../library/database.js';
import { lockDataFolder } from '../library/folder-lock.js';
import {
  finishInterruptedRestore,
  moveRestored,
  restoreFolderOf,
  writeRestoreList,
} from '../library/interrupted-restore.js';
import { requireKnownHistory } from '../library/migrations.js';
import { RESTORE_STAGING } from '../library/own-files.js';
import { findOrphanRows } from '../library/row-checks.js';
import type { DataFolder } from '../types.js';
import { explainWriteError, requireSpace, syncFolder } from './disk.js';
import type { BackupHead } from './format.js';
import { type BackupIdentity, identifyBackup, readBackup } from './read-backup.js';

export interface RestoreOptions {
  file: string;
  dataFolder: DataFolder;
  /** Replaces the library, uploads, pictures and vector index that are there. */
  replace: boolean;
  signal?: AbortSignal | undefined;
}

export interface RestoreSummary {
  head: BackupHead;
  byteLength: number;
  videos: number;
  segments: number;
}

/** Reads a backup to its end without restoring it. The errors of `readBackup`. */
export async function checkBackup(
  file: string,
  signal?: AbortSignal,
): Promise<{ head: BackupHead; byteLength: number }> {
  const { head, byteLength } = await readBackup(resolve(file), null, signal);
  return { head, byteLength };
}

/**
 * Makes the data folder what it was when the backup was taken. Everything is unpacked and checked beside what is there;
 * one renaming then decides, so that the folder is as it was or restored, whenever the process ends. A restore that was
 * killed after that is carried to its end first; where it was of this backup, nothing is left to do. The errors of
 * `readBackup`, LIBRARY_TOO_NEW, LIBRARY_DAMAGED, DATA_FOLDER_NOT_EMPTY, DATA_FOLDER_IN_USE, DISK_FULL.
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreSummary> {
  const { dataFolder } = options;
  const file = resolve(options.file);
  const wasOnItsWay = existsSync(restoreFolderOf(dataFolder));
  const finished = finishInterruptedRestore(dataFolder);
  if (finished !== null) {
    const { sha256, head, byteLength } = await identifyBackup(file);
    if (sha256 === finished) return { head, byteLength, ...checkLibrary(dataFolder.databaseFile, file) };
  }
  const requirePlace = () => requireReplaceable(dataFolder, { replace: options.replace, wasOnItsWay });
  await requirePlace();
  const existed = existsSync(dataFolder.root);
  await createFolder(dataFolder.root);
  const lock = lockDataFolder(dataFolder);
  const staging = join(dataFolder.temporaryFolder, RESTORE_STAGING);
  let isCertain = false;
  try {
    await requirePlace();
    await rm(staging, { recursive: true, force: true });
    const { head, byteLength } = await unpack(file, staging, options.signal);
    const counts = checkLibrary(join(staging, 'library.sqlite'), file);
    await rename(staging, restoreFolderOf(dataFolder));
    isCertain = true;
    await syncFolder(dataFolder.root);
    moveRestored(dataFolder);
    await syncFolder(dataFolder.root);
    return { head, byteLength, ...counts };
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    if (options.signal?.aborted && !isCertain) {
      throw new CliptraceError('CANCELLED', `The restore was interrupted; ${dataFolder.root} is as it was.`, {
        cause: error,
      });
    }
    throw explainWriteError(error, `The data folder ${dataFolder.root}`);
  } finally {
    lock.release();
    if (!existed && !existsSync(dataFolder.databaseFile)) await removeUnused(dataFolder);
  }
}

async function unpack(
  file: string,
  staging: string,
  signal: AbortSignal | undefined,
): Promise<BackupIdentity> {
  await mkdir(staging, { recursive: true });
  const { byteLength: neededBytes } = await sizeOf(file);
  await requireSpace(staging, neededBytes);
  const { entries, ...identity } = await readBackup(
    file,
    async (name) => {
      const path = join(staging, name);
      await mkdir(dirname(path), { recursive: true });
      return await open(path, 'wx', 0o600);
    },
    signal,
  );
  await writeRestoreList(staging, { backupSha256: identity.sha256, files: entries });
  for (const folder of new Set(entries.map((name) => dirname(join(staging, name))))) await syncFolder(folder);
  await syncFolder(staging);
  return identity;
}

async function sizeOf(file: string): Promise<{ byteLength: number }> {
  // What cannot be opened is told when it is read.
  const stats = await stat(file).catch(() => null);
  return { byteLength: stats?.size ?? 0 };
}

/** The bytes are those that were backed up; whether this version can use them is another question. */
function checkLibrary(databaseFile: string, file: string): { videos: number; segments: number } {
  if (!existsSync(databaseFile)) {
    throw new CliptraceError('BACKUP_DAMAGED', `${file} holds no library. Take another backup.`);
  }
  const database = openDatabase(databaseFile, { readonly: true });
  try {
    requireKnownHistory(database);
    const [problem] = [
      ...checkDatabase(database),
      ...findOrphanRows(database).map(({ table }) => `orphans in ${table}`),
    ];
    if (problem !== undefined) {
      throw new CliptraceError(
        'LIBRARY_DAMAGED',
        `The library in ${file} is damaged: ${problem}. Take another backup.`,
      );
    }
    const count = (table: string) =>
      database.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number;
    return { videos: count('videos'), segments: count('segments') };
  } finally {
    database.close();
  }
}

async function requireReplaceable(
  dataFolder: DataFolder,
  { replace, wasOnItsWay }: { replace: boolean; wasOnItsWay: boolean },
): Promise<void> {
  const { root, databaseFile, vectorsFolder, mediaFolder, thumbnailsFolder, temporaryFolder, lockFile } =
    dataFolder;
  const ours = new Set([
    vectorsFolder,
    mediaFolder,
    thumbnailsFolder,
    temporaryFolder,
    lockFile,
    `${lockFile}.json`,
  ]);
  const names = await namesIn(root);
  const others = names.filter((name) => !ours.has(join(root, name)));
  const filled: string[] = [];
  for (const folder of [vectorsFolder, mediaFolder, thumbnailsFolder]) {
    if ((await namesIn(folder)).length > 0) filled.push(folder);
  }
  if (others.length === 0 && filled.length === 0) return;
  if (!existsSync(databaseFile)) {
    throw new CliptraceError(
      'DATA_FOLDER_NOT_EMPTY',
      `${root} is not empty, and no data folder: it holds ${names.slice(0, 3).join(', ')}. Give another folder with --data.`,
    );
  }
  if (replace) return;
  throw new CliptraceError(
    'DATA_FOLDER_NOT_EMPTY',
    `${root} holds a library already${wasOnItsWay ? ', that of a restore that was interrupted and is finished now' : ''}. ` +
      `Give another folder with --data, or --replace to lose what is there.`,
  );
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new CliptraceError(
      'DATA_FOLDER_NOT_WRITABLE',
      `${folder} cannot be used: ${(error as Error).message}.`,
      {
        cause: error,
      },
    );
  }
}

/** What a failed restore into a new place has made. */
async function removeUnused(dataFolder: DataFolder): Promise<void> {
  for (const file of [dataFolder.lockFile, `${dataFolder.lockFile}.json`]) await rm(file, { force: true });
  for (const folder of [dataFolder.temporaryFolder, dataFolder.root])
    await rmdir(folder).catch(() => undefined);
}
