import { dot } from './dot.js';
import { TopK } from './top-k.js';
import type { Neighbours, VectorIndex } from './types.js';
import { toUnitVectors } from './unit-vectors.js';

/** Compares each query with every vector: the oracle that approximate indexes are measured against. */
export class ExactIndex implements VectorIndex {
  readonly dimension: number;
  /** Row of each id in #vectors. */
  readonly #rows = new Map<number, number>();
  readonly #ids: number[] = [];
  #vectors: Float32Array;

  constructor(dimension: number) {
    this.dimension = dimension;
    this.#vectors = new Float32Array(16 * dimension);
  }

  async add(ids: readonly number[], vectors: Float32Array): Promise<void> {
    const rows = toUnitVectors(vectors, ids.length, this.dimension, 'Vectors');
    ids.forEach((id, i) => {
      const row = this.#rows.get(id) ?? this.#append(id);
      this.#vectors.set(rows.subarray(i * this.dimension, (i + 1) * this.dimension), row * this.dimension);
    });
  }

  async remove(ids: readonly number[]): Promise<void> {
    for (const id of ids) this.#removeOne(id);
  }

  async search(queries: Float32Array, k: number): Promise<Neighbours[]> {
    const count = Math.floor(queries.length / this.dimension);
    const rows = toUnitVectors(queries, count, this.dimension, 'Queries');
    return Array.from({ length: count }, (_, query) => {
      const best = new TopK(k);
      this.#ids.forEach((id, row) => {
        best.offer(id, dot(rows, query, this.#vectors, row, this.dimension));
      });
      return best.take();
    });
  }

  async size(): Promise<number> {
    return this.#ids.length;
  }

  async close(): Promise<void> {
    this.#rows.clear();
    this.#ids.length = 0;
    this.#vectors = new Float32Array();
  }

  #append(id: number): number {
    const row = this.#ids.push(id) - 1;
    this.#rows.set(id, row);
    if (this.#ids.length * this.dimension > this.#vectors.length) {
      const grown = new Float32Array(2 * Math.max(this.#vectors.length, 16 * this.dimension));
      grown.set(this.#vectors);
      this.#vectors = grown;
    }
    return row;
  }

  /** The last row takes the place of the removed one. */
  #removeOne(id: number): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    const lastRow = this.#ids.length - 1;
    const lastId = this.#ids[lastRow] as number;
    this.#vectors.copyWithin(row * this.dimension, lastRow * this.dimension, (lastRow + 1) * this.dimension);
    this.#ids[row] = lastId;
    this.#rows.set(lastId, row);
    this.#ids.pop();
    this.#rows.delete(id);
  }
}
