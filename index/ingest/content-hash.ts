import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { CliptraceError } from '../errors.js';

/**
 * SHA-256 of a file's bytes, in hex: what makes two files the same video, wherever they lie.
 * FILE_NOT_READABLE when reading fails, CANCELLED when the signal fires.
 */
export async function contentHash(filePath: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(filePath, { highWaterMark: 1 << 20 }), hash, signal ? { signal } : {});
  } catch (error) {
    if (signal?.aborted)
      throw new CliptraceError('CANCELLED', 'The indexing was cancelled', { cause: error });
    throw new CliptraceError('FILE_NOT_READABLE', `${filePath} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return hash.digest('hex');
}
