import { open, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CliptraceError } from '../errors.js';

/** DISK_FULL when fewer bytes are free where the file is to be. */
export async function requireSpace(file: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(file));
  if (bavail * bsize >= neededBytes) return;
  throw new CliptraceError(
    'DISK_FULL',
    `${file} needs ${neededBytes} bytes, and ${bavail * bsize} are free there. Free some space, or give another place.`,
    { details: { neededBytes, freeBytes: bavail * bsize } },
  );
}

/** What a failed write means to the user; any other value is returned as it is. */
export function explainWriteError(error: unknown, what: string): unknown {
  if (error instanceof CliptraceError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new CliptraceError('DISK_FULL', `${what} cannot be written: ${code}. Free some space.`, {
      cause: error,
    });
  }
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new CliptraceError('FILE_NOT_FOUND', `${what} cannot be used: ${message}.`, { cause: error });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'EISDIR') {
    return new CliptraceError('FILE_NOT_READABLE', `${what} cannot be used: ${message}.`, { cause: error });
  }
  return error;
}

export async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders, and orders renames by itself.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
