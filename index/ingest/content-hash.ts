import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { CliptraceError } from '../errors.js';
import { openRegular } from '../media/container-check.js';
import { fileSystemError } from './scan.js';

/**
 * SHA-256 of a file's bytes, in hex: what makes two files the same video, wherever they lie.
 * FILE_NOT_FOUND when it has vanished, FILE_NOT_READABLE when reading fails, CANCELLED when the signal fires.
 */
export async function contentHash(filePath: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  try {
    const handle = await openRegular(filePath);
    // The stream closes the handle, however it ends.
    const bytes = handle.createReadStream({ highWaterMark: 1 << 20 });
    await pipeline(bytes, hash, signal ? { signal } : {});
  } catch (error) {
    if (signal?.aborted)
      throw new CliptraceError('CANCELLED', 'The indexing was cancelled', { cause: error });
    throw fileSystemError(filePath, error);
  }
  return hash.digest('hex');
}
