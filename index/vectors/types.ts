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
  search(queries: Float32Array, k: number): Promise<Neighbours[]>;
  size(): Promise<number>;
  close(): Promise<void>;
}
