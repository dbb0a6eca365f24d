import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { explainingWrites } from '../../index/storage-errors.js';
import type { Upload } from './upload.js';

/** Moves a received file among the kept ones, under a name that owes nothing to the client; its new path. DISK_FULL. */
export function keepUpload(file: Upload, mediaFolder: string): Promise<string> {
  return explainingWrites('The upload', () => keep(file, mediaFolder));
}

async function keep(file: Upload, mediaFolder: string): Promise<string> {
  await mkdir(mediaFolder, { recursive: true });
  const path = join(mediaFolder, randomUUID());
  try {
    await rename(file.path, path);
  } catch (error) {
    // The media folder may be mounted from another disk.
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    await copyFile(file.path, path).catch(async (cause) => {
      await rm(path, { force: true });
      throw cause;
    });
  }
  return path;
}
