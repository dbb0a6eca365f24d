import { contentHash } from './content-hash.js';
import type { FileState } from './file-state.js';

/** Of 200 bytes or so each. */
const KEPT_COUNT = 4096;

/**
 * Hashes of files that are read for more than one reason: a place from which a video may have moved is looked at for that video's sake
 * and for its own, and a file whose turn comes again later would be read again.
 */
export class RecentHashes {
  readonly #hashes = new Map<string, Promise<string>>();

  /** As `contentHash`; of a file in the state in which it was read before, the hash of then. */
  of(filePath: string, state: FileState, signal: AbortSignal): Promise<string> {
    const { sizeBytes, modifiedMs } = state.recorded;
    const key = [sizeBytes, modifiedMs, state.changedMs, state.inode, filePath].join('\0');
    const known = this.#hashes.get(key);
    if (known) return known;
    const hash = contentHash(filePath, signal);
    this.#hashes.set(key, hash);
    hash.catch(() => this.#hashes.delete(key));
    const [oldest] = this.#hashes.keys();
    if (this.#hashes.size > KEPT_COUNT && oldest !== undefined) this.#hashes.delete(oldest);
    return hash;
  }
}
