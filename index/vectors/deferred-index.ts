import { CliptraceError, errorMessageOf } from '../errors.js';
import type { SegmentFilter } from '../library/types.js';
import type { IndexOpening } from '../types.js';
import type { Neighbours, SegmentIndex, SnapshotOptions, VectorSearchOptions } from './types.js';

/**
 * A segment index that may still be loading: until it is there, searches are refused with INDEX_NOT_READY.
 * What the library changes meanwhile is not lost: the index follows the change log when it has opened.
 */
export class DeferredIndex implements SegmentIndex {
  readonly dimension: number;
  /** Resolves when the index answers; rejects when it cannot be opened. */
  readonly opened: Promise<IndexOpening>;
  #index: SegmentIndex | null = null;
  #failure: unknown = null;

  constructor(dimension: number, opening: Promise<{ index: SegmentIndex; opening: IndexOpening }>) {
    this.dimension = dimension;
    this.opened = this.#open(opening);
    // Who does not await `opened` learns of the failure from `state`.
    this.opened.catch(() => undefined);
  }

  get state(): 'opening' | 'open' | 'failed' {
    if (this.#failure) return 'failed';
    return this.#index ? 'open' : 'opening';
  }

  /** Why it does not answer. */
  get reason(): string {
    return this.#failure
      ? `The vector index could not be opened: ${errorMessageOf(this.#failure)}`
      : 'The vector index is still being loaded';
  }

  get sequence(): number {
    return this.#index?.sequence ?? 0;
  }

  get compaction(): Promise<void> | null {
    return this.#index?.compaction ?? null;
  }

  async catchUp(): Promise<void> {
    await this.#index?.catchUp();
  }

  async saveSnapshot(options?: SnapshotOptions): Promise<void> {
    await this.#index?.saveSnapshot(options);
  }

  async search(queries: Float32Array, k: number, options?: VectorSearchOptions): Promise<Neighbours[]> {
    return this.#ready().search(queries, k, options);
  }

  async searchFiltered(
    queries: Float32Array,
    k: number,
    filter: SegmentFilter,
    options?: VectorSearchOptions,
  ): Promise<Neighbours[]> {
    return this.#ready().searchFiltered(queries, k, filter, options);
  }

  size(): Promise<number> {
    return this.#ready().size();
  }

  async close(): Promise<void> {
    // An index that opens after this would outlive its library.
    await this.opened.catch(() => undefined);
    await this.#index?.close();
  }

  async #open(opening: Promise<{ index: SegmentIndex; opening: IndexOpening }>): Promise<IndexOpening> {
    try {
      const opened = await opening;
      // First reachable, then up to date: a write in between then finds the index and catches up by itself.
      this.#index = opened.index;
      await opened.index.catchUp();
      return opened.opening;
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  #ready(): SegmentIndex {
    if (this.#index) return this.#index;
    throw new CliptraceError('INDEX_NOT_READY', `${this.reason}: try again in a moment`, {
      cause: this.#failure ?? undefined,
    });
  }
}
