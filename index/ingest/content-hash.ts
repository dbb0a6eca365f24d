import { createHash } from 'node:crypto';
import { CliptraceError } from '../errors.js';
import { openRegular } from '../media/container-check.js';
import { fileSystemError } from './scan.js';

const CHUNK_BYTES = 256 * 1024;

/** To be used again: new memory for each file makes work for the garbage collector. As many as files were read side by side. */
const freeChunks: Buffer[] = [];

/**
 * SHA-256 of a file's bytes, in hex: what makes two files the same video, wherever they lie.
 * FILE_NOT_FOUND when it has vanished, FILE_NOT_READABLE when reading fails, CANCELLED when the signal fires.
 */
export async function contentHash(filePath: string, signal?: AbortSignal): Promise<string> {
  const chunk = freeChunks.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  const hash = createHash('sha256');
  try {
    const handle = await openRegular(filePath);
    try {
      for (;;) {
        signal?.throwIfAborted();
        const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES, null);
        if (bytesRead === 0) return hash.digest('hex');
        hash.update(chunk.subarray(0, bytesRead));
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (signal?.aborted)
      throw new CliptraceError('CANCELLED', 'The indexing was cancelled', { cause: error });
    throw fileSystemError(filePath, error);
  } finally {
    freeChunks.push(chunk);
  }
}
