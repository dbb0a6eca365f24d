import hnswlib from 'hnswlib-node';
import { dot, ranked, TopK } from './top-k.js';
import type { Neighbours } from './types.js';

export interface GraphParameters {
  dimension: number;
  /** Links of a node; twice as many on the lowest level. */
  m: number;
  efConstruction: number;
}

const INITIAL_CAPACITY = 1024;
const MINIMUM_SEARCH_EF = 64;

/**
 * One hnswlib graph (Malkov and Yashunin, 2018, arXiv:1603.09320) with what the library lacks: growth, a record of what
 * is deleted, and answers for any k. Trusts its input: unit-norm vectors, ids below 2^32. Blocks the calling thread.
 */
export class HnswGraph {
  readonly parameters: GraphParameters;
  readonly #live = new Set<number>();
  readonly #deleted = new Set<number>();
  /** hnswlib-node takes plain arrays only; one is enough. */
  readonly #point: number[];
  #graph: hnswlib.HierarchicalNSW;

  constructor(parameters: GraphParameters) {
    this.parameters = parameters;
    this.#point = new Array<number>(parameters.dimension).fill(0);
    this.#graph = newGraph(parameters);
  }

  get liveCount(): number {
    return this.#live.size;
  }

  /** Deleted ids still take part in the graph as way-points, until it is built anew. */
  get deletedIds(): number[] {
    return [...this.#deleted];
  }

  get deletedCount(): number {
    return this.#deleted.size;
  }

  liveIds(): number[] {
    return [...this.#live];
  }

  /** Adds or replaces row `row` of `vectors`, [_, dimension]. */
  add(id: number, vectors: Float32Array, row: number): void {
    if (this.#graph.getCurrentCount() >= this.#graph.getMaxElements()) {
      this.#graph.resizeIndex(Math.max(INITIAL_CAPACITY, 2 * this.#graph.getMaxElements()));
    }
    // A deleted id is revived by this with its new vector.
    this.#graph.addPoint(this.#pointOf(vectors, row), id);
    this.#deleted.delete(id);
    this.#live.add(id);
  }

  remove(id: number): void {
    if (!this.#live.delete(id)) return;
    this.#graph.markDelete(id);
    this.#deleted.add(id);
    // Nothing is left to answer with, and hnswlib's insertion expects a live node somewhere.
    if (this.#live.size === 0) this.clear();
  }

  clear(): void {
    this.#live.clear();
    this.#deleted.clear();
    this.#graph = newGraph(this.parameters);
  }

  /** [dimension] */
  vectorOf(id: number): Float32Array {
    return Float32Array.from(this.#graph.getPoint(id));
  }

  /** Neighbours of row `row` of `queries`, [_, dimension]. */
  search(queries: Float32Array, row: number, k: number, searchEf?: number): Neighbours {
    const reachable = Math.min(k, this.#live.size);
    if (reachable === 0) return { ids: [], similarities: [] };
    // hnswlib does not count deleted nodes among its ef candidates, so that k live ones are found beside any number of them.
    this.#graph.setEf(Math.max(searchEf ?? Math.max(MINIMUM_SEARCH_EF, 2 * k), reachable));
    const found = this.#graph.searchKnn(this.#pointOf(queries, row), reachable);
    // The graph is directed: now and then a node cannot be reached, which shows when nearly all are asked for.
    if (found.neighbors.length < reachable) return this.#searchExactly(queries, row, reachable);
    return ranked(
      found.neighbors,
      found.distances.map((distance) => 1 - distance),
    );
  }

  /** Reads the file that `write` wrote; the caller has checked its hash. Throws when it does not hold what is expected. */
  read(file: string, liveCount: number, deletedIds: readonly number[]): void {
    const graph = new hnswlib.HierarchicalNSW('ip', this.parameters.dimension);
    graph.readIndexSync(file);
    this.#take(graph, liveCount, deletedIds);
  }

  async readAside(file: string): Promise<HnswGraph> {
    const other = new HnswGraph(this.parameters);
    const graph = new hnswlib.HierarchicalNSW('ip', this.parameters.dimension);
    await graph.readIndex(file);
    other.#take(graph, this.#live.size, this.deletedIds);
    return other;
  }

  /** In hnswlib's thread, so that searches go on; nothing may be added or removed meanwhile. Reports no short write. */
  async write(file: string): Promise<void> {
    await this.#graph.writeIndex(file);
  }

  #take(graph: hnswlib.HierarchicalNSW, liveCount: number, deletedIds: readonly number[]): void {
    const ids = graph.getIdsList();
    if (ids.length !== liveCount + deletedIds.length || graph.getCurrentCount() !== ids.length) {
      throw new Error(`it holds ${ids.length} vectors where ${liveCount + deletedIds.length} are expected`);
    }
    this.#live.clear();
    this.#deleted.clear();
    for (const id of ids) this.#live.add(id);
    for (const id of deletedIds) {
      if (!this.#live.delete(id)) throw new Error(`it lacks the deleted id ${id}`);
      this.#deleted.add(id);
    }
    this.#graph = graph;
  }

  #searchExactly(queries: Float32Array, row: number, k: number): Neighbours {
    const best = new TopK(k);
    for (const id of this.#live) {
      best.offer(id, dot(queries, row, this.vectorOf(id), 0, this.parameters.dimension));
    }
    return best.take();
  }

  #pointOf(vectors: Float32Array, row: number): number[] {
    const { dimension } = this.parameters;
    const start = row * dimension;
    for (let i = 0; i < dimension; i += 1) this.#point[i] = vectors[start + i] as number;
    return this.#point;
  }
}

function newGraph(parameters: GraphParameters): hnswlib.HierarchicalNSW {
  // Inner product: the cosine of unit-norm vectors without normalising them again.
  const graph = new hnswlib.HierarchicalNSW('ip', parameters.dimension);
  graph.initIndex({
    maxElements: INITIAL_CAPACITY,
    m: parameters.m,
    efConstruction: parameters.efConstruction,
  });
  return graph;
}
