import { CliptraceError } from '../errors.js';
import { ThreadCalls } from '../threads/thread-calls.js';
import { startWorker } from '../threads/worker-thread.js';
import type { GraphFile, GraphSize, HnswCalls } from './hnsw-protocol.js';
import type { GraphParameters } from './node-graph.js';
import { MAXIMUM_LABEL } from './twin-groups.js';
import type { Neighbours, VectorIndex, VectorSearchOptions } from './types.js';
import { copyUnitVectors, toUnitVectors } from './unit-vectors.js';

/** Links a node and candidates while building; measured in docs/architecture.md. */
export const HNSW_DEFAULTS = { m: 16, efConstruction: 200 } as const;

/** As many as are usually added at once. */
const STAGED_VECTORS = 1024;

/**
 * Approximate nearest neighbours: an HNSW graph in a thread of its own, so that neither building nor searching holds up
 * the event loop. Searches go ahead of insertions that are under way.
 */
export class HnswIndex implements VectorIndex {
  readonly dimension: number;
  readonly parameters: GraphParameters;
  readonly #thread: ThreadCalls<HnswCalls>;
  /** Transferred arrays would pile up in the other thread, which sees no reason to collect them before there are 64 MB. */
  #staging: Float32Array<SharedArrayBuffer> | null;

  constructor(dimension: number, parameters: Partial<Omit<GraphParameters, 'dimension'>> = {}) {
    this.dimension = dimension;
    this.parameters = { ...HNSW_DEFAULTS, ...parameters, dimension };
    const stagingBytes = 4 * STAGED_VECTORS * dimension;
    this.#staging = new Float32Array(new SharedArrayBuffer(stagingBytes));
    const worker = startWorker('hnsw-worker', import.meta.url, { parameters: this.parameters });
    this.#thread = new ThreadCalls(worker, 'The thread of the vector index');
  }

  async add(ids: readonly number[], vectors: Float32Array): Promise<void> {
    for (const id of ids) checkId(id);
    const staging = this.#takeStaging(vectors.length);
    if (staging === null) {
      const rows = toUnitVectors(vectors, ids.length, this.dimension, 'Vectors');
      await this.#thread.call('add', { ids: [...ids], vectors: rows }, [rows.buffer]);
      return;
    }
    try {
      const rows = staging.subarray(0, vectors.length);
      copyUnitVectors(vectors, ids.length, this.dimension, 'Vectors', rows);
      await this.#thread.call('add', { ids: [...ids], vectors: rows });
    } finally {
      this.#staging = staging;
    }
  }

  async remove(ids: readonly number[]): Promise<void> {
    await this.#thread.call('remove', { ids: [...ids] });
  }

  async search(queries: Float32Array, k: number, options: VectorSearchOptions = {}): Promise<Neighbours[]> {
    const count = Math.floor(queries.length / this.dimension);
    const rows = toUnitVectors(queries, count, this.dimension, 'Queries');
    return await this.#thread.call('search', { queries: rows, k, searchEf: options.searchEf }, [rows.buffer]);
  }

  async size(): Promise<number> {
    return (await this.counts()).liveCount;
  }

  async counts(): Promise<GraphSize> {
    return await this.#thread.call('size', {});
  }

  /** In no order. */
  async ids(): Promise<Uint32Array> {
    return await this.#thread.call('ids', {});
  }

  /** Those of the ids that are missing or have another vector than row i of `vectors`, [ids.length, dimension]. */
  async differing(ids: readonly number[], vectors: Float32Array): Promise<number[]> {
    // As `add` does: what is held has lost how far its norm was from 1.
    const rows = toUnitVectors(vectors, ids.length, this.dimension, 'Vectors');
    return await this.#thread.call('differing', { ids: [...ids], vectors: rows }, [rows.buffer]);
  }

  /**
   * Builds the graph anew without what was removed, which may take minutes; everything else goes on meanwhile. Resolves
   * when it is done, or given up because the index was cleared, read or closed.
   */
  async compact(): Promise<void> {
    await this.#thread.call('compact', {});
  }

  async clear(): Promise<void> {
    await this.#thread.call('clear', {});
  }

  /** DISK_FULL. The file is synced and was read back. */
  async write(file: string): Promise<GraphFile> {
    return await this.#thread.call('write', { file });
  }

  /** Replaces the content; answers why the file cannot be used, or null. */
  async read(file: string, expected: GraphFile, options: { thorough: boolean }): Promise<string | null> {
    return await this.#thread.call('read', { file, expected, ...options });
  }

  /** After what was asked before. */
  close(): Promise<void> {
    return this.#thread.close();
  }

  /** Memory that both threads see, for one addition at a time; null when it is taken or too small. */
  #takeStaging(valueCount: number): Float32Array<SharedArrayBuffer> | null {
    const staging = this.#staging;
    if (staging === null || valueCount > staging.length) return null;
    this.#staging = null;
    return staging;
  }
}

/** hnswlib-node wraps labels at 2^32. */
function checkId(id: number): void {
  if (Number.isInteger(id) && id >= 0 && id <= MAXIMUM_LABEL) return;
  throw new CliptraceError(
    'INDEX_FULL',
    `${id} cannot be the id of a vector: integers from 0 to ${MAXIMUM_LABEL} can.`,
  );
}
