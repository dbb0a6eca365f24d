import { constants, type Stats } from 'node:fs';
import { access, lstat, mkdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CliptraceError, errorCodeOf, errorMessageOf } from '../errors.js';
import { explainingWrites, explainWriteError } from '../storage-errors.js';
import type { DataFolder } from '../types.js';
import { finishInterruptedRestore } from './interrupted-restore.js';
import { deleteOwn, temporaryLeftovers } from './own-files.js';

/** The places below a data folder; touches nothing. */
export function dataFolderAt(root: string): DataFolder {
  const absolute = resolve(root);
  return {
    root: absolute,
    databaseFile: join(absolute, 'library.sqlite'),
    lockFile: join(absolute, 'writer.lock'),
    vectorsFolder: join(absolute, 'vectors'),
    mediaFolder: join(absolute, 'media'),
    thumbnailsFolder: join(absolute, 'thumbnails'),
    temporaryFolder: join(absolute, 'tmp'),
  };
}

/**
 * With `create`, makes what is missing and makes sure that it can be written; without, only looks.
 * Throws LIBRARY_NOT_FOUND for a missing folder and DATA_FOLDER_NOT_WRITABLE.
 */
export async function openDataFolder(root: string, options: { create: boolean }): Promise<DataFolder> {
  if (root === '')
    throw new CliptraceError('USAGE', 'The data folder has an empty name. Give a folder with --data.');
  const folder = dataFolderAt(root);
  if (options.create) await createFolders(folder);
  else await requireFolder(folder.root);
  finishInterruptedRestore(folder);
  return folder;
}

/**
 * Folders in which no videos of an archive are looked for: a link may put one of ours among those of an archive. Uploads, which are
 * videos, are told apart one by one.
 */
export async function closedFolders(folder: DataFolder): Promise<string[]> {
  const closed = [folder.root];
  for (const path of [folder.vectorsFolder, folder.thumbnailsFolder, folder.temporaryFolder]) {
    if ((await lstat(path).catch(() => null))?.isSymbolicLink()) closed.push(path);
  }
  return closed;
}

/** Removes what an interrupted run left, and nothing that others put there. For the holder of the folder lock only. */
export async function sweepTemporaryFolder(folder: DataFolder): Promise<void> {
  await explainingWrites(folder.temporaryFolder, async () => {
    for (const leftover of await temporaryLeftovers(folder.temporaryFolder)) await deleteOwn(leftover);
  });
}

async function createFolders(folder: DataFolder): Promise<void> {
  const below = [folder.vectorsFolder, folder.mediaFolder, folder.thumbnailsFolder, folder.temporaryFolder];
  for (const path of [folder.root, ...below]) await createFolder(path);
}

/** With those above it; there already is as good. DISK_FULL, DATA_FOLDER_NOT_WRITABLE. */
export async function createFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw await notWritable(path, error);
  }
}

async function requireFolder(path: string): Promise<void> {
  const stats = await statOrNull(path);
  if (stats === null) {
    throw new CliptraceError(
      'LIBRARY_NOT_FOUND',
      `The data folder ${path} does not exist. Index some videos first, or give another folder with --data.`,
      { details: { path } },
    );
  }
  if (!stats.isDirectory()) throw await notWritable(path, new Error('it is no folder'));
}

async function notWritable(path: string, cause: unknown): Promise<CliptraceError> {
  const told = explainWriteError(cause, path);
  if (errorCodeOf(told) === 'DISK_FULL') return told as CliptraceError;
  const stats = await statOrNull(path);
  const why = stats !== null && !stats.isDirectory() ? 'it is a file, not a folder' : errorMessageOf(cause);
  return new CliptraceError(
    'DATA_FOLDER_NOT_WRITABLE',
    `The data folder needs ${path}, which cannot be used: ${why}. Correct it, or give another folder with --data.`,
    { cause, details: { path } },
  );
}

async function statOrNull(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch {
    return null;
  }
}
