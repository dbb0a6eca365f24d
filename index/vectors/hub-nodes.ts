import { residentRows } from '../simd/resident-rows.js';
import { TopK } from './top-k.js';
import type { Neighbours } from './types.js';

/** The vectors of the graph's hubs, which are few: each search compares all of them. */
export class HubNodes {
  /** Row of each label in #vectors. */
  readonly #rows = new Map<number, number>();
  readonly #labels: number[] = [];
  readonly #vectors;

  constructor(dimension: number) {
    this.#vectors = residentRows(dimension);
  }

  get size(): number {
    return this.#labels.length;
  }

  has(label: number): boolean {
    return this.#rows.has(label);
  }

  labels(): readonly number[] {
    return this.#labels;
  }

  /** Of a hub: [dimension] */
  vectorOf(label: number): Float32Array<ArrayBuffer> {
    return this.#vectors.get(this.#rows.get(label) as number);
  }

  /** A label that is not there yet. */
  add(label: number, vector: Float32Array): void {
    const row = this.#labels.push(label) - 1;
    this.#rows.set(label, row);
    this.#vectors.set(row, vector);
  }

  /** Whether it was there. The last row takes its place. */
  delete(label: number): boolean {
    const row = this.#rows.get(label);
    if (row === undefined) return false;
    const last = this.#labels.pop() as number;
    this.#rows.delete(label);
    if (last === label) return true;
    this.#vectors.set(row, this.#vectors.get(this.#labels.length));
    this.#labels[row] = last;
    this.#rows.set(last, row);
    return true;
  }

  /** Labels of the k nearest to row `row` of `queries`, [_, dimension], of those that are at least so similar. */
  nearest(
    queries: Float32Array,
    row: number,
    k: number,
    leastSimilarity = Number.NEGATIVE_INFINITY,
  ): Neighbours {
    const best = new TopK(k);
    const similarities = this.#vectors.products(queries, row, this.size);
    for (let hub = 0; hub < similarities.length; hub += 1) {
      const similarity = similarities[hub] as number;
      if (similarity >= leastSimilarity) best.offer(this.#labels[hub] as number, similarity);
    }
    return best.take();
  }
}
