import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../../index/backup/disk.js';
import { explainingWrites } from '../../index/storage-errors.js';
import type { Upload } from './upload.js';

/**
 * Moves a received file among the kept ones, under a name that owes nothing to the client; its new path. It is on the disk then:
 * a power cut takes nothing of what the client was told is kept. DISK_FULL.
 */
export function keepUpload(file: Upload, mediaFolder: string): Promise<string> {
  return explainingWrites('The upload', () => keep(file, mediaFolder));
}

async function keep(file: Upload, mediaFolder: string): Promise<string> {
  await mkdir(mediaFolder, { recursive: true });
  const path = join(mediaFolder, randomUUID());
  try {
    await moveOrCopy(file.path, path);
    await sync(path);
    await syncFolder(mediaFolder);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  return path;
}

async function moveOrCopy(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    // The media folder may be mounted from another disk.
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    await copyFile(from, to);
  }
}

/** Open for writing, as Windows demands. */
async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
