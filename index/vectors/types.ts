import type { SegmentFilter } from '../library/types.js';

/** Nearest neighbours of one query, best first. */
export interface Neighbours {
  ids: number[];
  /** Cosine similarity, [-1, 1]. */
  similarities: number[];
}

/**
 * Approximate or exact nearest neighbours over unit-norm vectors. Batch-wise and asynchronous, so that an
 * index in another process or machine can stand behind it.
 */
export interface VectorIndex {
  readonly dimension: number;
  /** Adds or replaces. `vectors` is [ids.length, dimension], row-major, finite and unit-norm, else VECTOR_INVALID and nothing is added. */
  add(ids: readonly number[], vectors: Float32Array): Promise<void>;
  /** Unknown ids are ignored. */
  remove(ids: readonly number[]): Promise<void>;
  /** `queries` is [queryCount, dimension]; `k` larger than the size gives all. */
  search(queries: Float32Array, k: number, options?: VectorSearchOptions): Promise<Neighbours[]>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface VectorSearchOptions {
  /** How many candidates an approximate index keeps while it searches; at least k, and by default enough for recall 0.99. */
  searchEf?: number | undefined;
}

export interface SnapshotOptions {
  /** Not of a large index in which so little is newer than the last one: it is added at the next start in a fraction of what writing takes. */
  unlessNearlyWhole?: boolean;
}

/**
 * The vector index of one model's segments, which follows the library's change log. That log is the only way by which
 * vectors enter it, so it has no `add` and no `remove`.
 */
export interface SegmentIndex extends Pick<VectorIndex, 'dimension' | 'search' | 'size' | 'close'> {
  /** Number of the last change of the library that the index holds. */
  readonly sequence: number;
  /** Ends when the index has been built anew without its removed segments, for which nobody need wait; null when that is not under way. */
  readonly compaction: Promise<void> | null;
  /**
   * Applies what the library has changed since; await it after a write to find the write in a search. Calls are
   * serialised.
   */
  catchUp(): Promise<void>;
  /**
   * The k nearest among the segments that the filter allows: a filter never costs recall. A segment that was removed
   * moments ago may still be among them; the caller joins with the library.
   */
  searchFiltered(
    queries: Float32Array,
    k: number,
    filter: SegmentFilter,
    options?: VectorSearchOptions,
  ): Promise<Neighbours[]>;
  /** Does nothing when nothing has changed since the last one, or when the index is not writable. DISK_FULL. */
  saveSnapshot(options?: SnapshotOptions): Promise<void>;
}
