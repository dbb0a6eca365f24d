import { stat } from 'node:fs/promises';
import { fileSystemError } from './scan.js';

/** What tells whether a file still is the one that was looked at. */
export interface FileState {
  /** What the library keeps. */
  recorded: { sizeBytes: number; modifiedMs: number };
  /** Time of the last change of the content or of what the file system keeps about it. */
  changedMs: number;
  inode: number;
}

/** FILE_NOT_FOUND, FILE_NOT_READABLE. */
export async function fileState(filePath: string): Promise<FileState> {
  try {
    const { size, mtimeMs, ctimeMs, ino } = await stat(filePath);
    return { recorded: { sizeBytes: size, modifiedMs: mtimeMs }, changedMs: ctimeMs, inode: ino };
  } catch (error) {
    throw fileSystemError(filePath, error);
  }
}
