import { constants } from 'node:fs';
import { type FileHandle, open, readdir, rename } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CliptraceError } from '../errors.js';
import type { DataFolder } from '../types.js';
import { SnapshotStore } from '../vectors/snapshot.js';
import { BackupFile } from './backup-file.js';
import { requireTarget } from './backup-target.js';
import { explainWriteError, syncFolder } from './disk.js';
import { BACKUP_FORMAT_VERSION, ENTRY_NAME, encodeHead } from './format.js';
import { LibraryCopy } from './library-copy.js';
import { PartFiles, removeLeftovers } from './part-files.js';

export interface BackupOptions {
  dataFolder: DataFolder;
  /** Appears whole or not at all, where links lead; an older backup of this name is replaced, any other file refused. */
  file: string;
  programVersion: string;
  signal?: AbortSignal | undefined;
  onStep?: ((step: string) => void) | undefined;
}

export interface BackupSummary {
  file: string;
  byteLength: number;
  videos: number;
  segments: number;
  uploads: number;
  /** Files of uploads that the library has and the disk has not. */
  lostUploads: string[];
  thumbnails: number;
  /** Whether vector indexes are in it, so that a restored folder starts at once. */
  snapshots: number;
  /** Videos that were removed while the backup ran, and are not in it. */
  removedMeanwhile: number[];
}

/**
 * Copies a data folder, also while a server writes to it, into one file: the library as it was at one moment, the
 * uploads and pictures that belong to it, and its vector index. LIBRARY_NOT_FOUND, LIBRARY_DAMAGED, DISK_FULL, USAGE,
 * CANCELLED.
 */
export async function writeBackup(options: BackupOptions): Promise<BackupSummary> {
  const { dataFolder, onStep, signal } = options;
  const file = resolve(options.file);
  let parts: PartFiles | null = null;
  try {
    const target = await requireTarget(file, dataFolder);
    await removeLeftovers(target);
    parts = PartFiles.claim(target);
    onStep?.('Copying the library');
    const copy = await LibraryCopy.make(dataFolder, parts.library, signal);
    try {
      const summary = await writeFile(parts.backup, copy, options);
      await rename(parts.backup, target);
      await syncFolder(dirname(target));
      return { ...summary, file };
    } finally {
      await copy.remove();
    }
  } catch (error) {
    throw signal?.aborted
      ? new CliptraceError('CANCELLED', `The backup was interrupted; ${file} is as it was.`, { cause: error })
      : explainWriteError(error, `The backup ${file}`);
  } finally {
    await parts?.remove();
  }
}

async function writeFile(
  part: string,
  copy: LibraryCopy,
  { dataFolder, programVersion, signal, onStep }: BackupOptions,
): Promise<Omit<BackupSummary, 'file'>> {
  const backup = await BackupFile.create(part, signal);
  try {
    const createdAt = new Date().toISOString();
    const { migration } = copy;
    await backup.append(
      encodeHead({
        format: 'cliptrace-backup',
        formatVersion: BACKUP_FORMAT_VERSION,
        programVersion,
        createdAt,
        migration,
      }),
    );
    onStep?.('Copying uploads and pictures');
    const uploads = await appendUploads(backup, copy);
    const thumbnails = await appendThumbnails(backup, copy, dataFolder.thumbnailsFolder);
    const hasSnapshot = await appendSnapshot(backup, copy, dataFolder.vectorsFolder);
    const { videos, segments } = copy.finish();
    // Last: what it refers to is in the backup by now.
    await appendPath(backup, 'library.sqlite', copy.file);
    const byteLength = await backup.finish();
    const removedMeanwhile = [...copy.removed];
    return {
      byteLength,
      videos,
      segments,
      uploads: uploads.count,
      lostUploads: uploads.lost,
      thumbnails,
      snapshots: hasSnapshot ? 1 : 0,
      removedMeanwhile,
    };
  } finally {
    await backup.close();
  }
}

/** A video that was removed while the backup ran is removed from the copy, too; one whose file is lost is kept and told. */
async function appendUploads(
  backup: BackupFile,
  copy: LibraryCopy,
): Promise<{ count: number; lost: string[] }> {
  let count = 0;
  const lost: string[] = [];
  for (const { path, videoId } of copy.uploads()) {
    if (await appendPath(backup, `media/${basename(path)}`, path)) count += 1;
    else if (videoId !== null && !copy.forgetRemoved(videoId)) lost.push(path);
  }
  return { count, lost };
}

async function appendThumbnails(backup: BackupFile, copy: LibraryCopy, folder: string): Promise<number> {
  let count = 0;
  for (const name of await namesIn(folder)) {
    if (copy.hasThumbnail(name) && (await appendPath(backup, `thumbnails/${name}`, join(folder, name))))
      count += 1;
  }
  return count;
}

/**
 * Of the model in use: those of superseded ones hold what was removed. One that is newer than the copy of the library would
 * not be used; without any, the next start builds it anew.
 */
async function appendSnapshot(backup: BackupFile, copy: LibraryCopy, folder: string): Promise<boolean> {
  const files = copy.modelId === null ? null : await new SnapshotStore(folder, copy.modelId).files();
  if (files === null || files.sequence > copy.lastSequence) return false;
  const graph = await openOrNull(files.graph);
  const sidecar = await openOrNull(files.sidecar);
  try {
    // A writer may have replaced both meanwhile; what does not fit together is told by its checksum at the restore.
    if (graph === null || sidecar === null) return false;
    const appended = await backup.appendFile(`vectors/${basename(files.graph)}`, graph);
    return appended && (await backup.appendFile(`vectors/${basename(files.sidecar)}`, sidecar));
  } finally {
    await graph?.close();
    await sidecar?.close();
  }
}

/** False when there is no such file. Folders are none. */
async function appendPath(backup: BackupFile, name: string, path: string): Promise<boolean> {
  if (!ENTRY_NAME.test(name)) return false;
  const handle = await openOrNull(path);
  try {
    return handle !== null && (await handle.stat()).isFile() && (await backup.appendFile(name, handle));
  } finally {
    await handle?.close();
  }
}

async function openOrNull(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, constants.O_RDONLY);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
