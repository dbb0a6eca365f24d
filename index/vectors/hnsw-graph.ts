import hnswlib from 'hnswlib-node';
import { dot } from './dot.js';
import { ranked, TopK } from './top-k.js';
import { type TwinGroup, TwinGroups } from './twin-groups.js';
import type { Neighbours } from './types.js';

export interface GraphParameters {
  dimension: number;
  /** Links of a node; twice as many on the lowest level. */
  m: number;
  efConstruction: number;
}

/** What a file of the graph does not tell by itself. */
export interface GraphContent {
  liveCount: number;
  /** Nodes that are only way-points. */
  deletedLabels: number[];
  twins: TwinGroup[];
}

/** A graph of hnswlib's that a file was read into. */
export type LoadedGraph = hnswlib.HierarchicalNSW;

const INITIAL_CAPACITY = 1024;
const MINIMUM_SEARCH_EF = 64;
/** Candidates for each neighbour asked for: with 2, recall at k = 200 was 0.94; with 8, 0.998 (20,000 x 256, clustered). */
const SEARCH_EF_PER_NEIGHBOUR = 8;
const TWIN_SEARCH_EF = 16;
/** What float32 can still tell from 0 in 1 - cosine. */
const TWIN_DISTANCE = 2e-7;
/** What a node's vector may differ from that of an id that shares it: its distance to a twin, and rounding. */
const SAME_VECTOR_DISTANCE = 1e-6;

/**
 * One hnswlib graph (Malkov and Yashunin, 2018, arXiv:1603.09320) with what the library lacks: growth, a record of what
 * is deleted, answers for any k, and equal vectors. Equal vectors share a node: as nodes of their own they link only to
 * each other and cut the rest of the graph off (3 % equal vectors made 1.2 % of the others unreachable, 30 % made 21 %).
 *
 * Trusts its input: unit-norm vectors, ids below 2^32. Blocks the calling thread.
 */
export class HnswGraph {
  readonly parameters: GraphParameters;
  /** hnswlib-node takes plain arrays only; one is enough. */
  readonly #point: number[];
  #deleted = new Set<number>();
  #nodes = new TwinGroups();
  #graph: hnswlib.HierarchicalNSW;

  constructor(parameters: GraphParameters) {
    this.parameters = parameters;
    this.#point = new Array<number>(parameters.dimension).fill(0);
    this.#graph = newGraph(parameters);
  }

  get liveCount(): number {
    return this.#nodes.size;
  }

  /** Nodes that answer searches. */
  get nodeCount(): number {
    return this.#nodes.nodeCount;
  }

  /** Deleted nodes still take part as way-points, until the graph is built anew. */
  get deletedCount(): number {
    return this.#deleted.size;
  }

  content(): GraphContent {
    return {
      liveCount: this.liveCount,
      deletedLabels: [...this.#deleted],
      twins: this.#nodes.groups(),
    };
  }

  liveIds(): number[] {
    return [...this.#nodes.ids()];
  }

  /** Adds or replaces row `row` of `vectors`, [_, dimension]. */
  add(id: number, vectors: Float32Array, row: number): void {
    this.remove(id);
    const point = this.#pointOf(vectors, row);
    const twin = this.#findTwin(point);
    if (twin !== null) {
      this.#nodes.join(twin, id);
      return;
    }
    if (this.#graph.getCurrentCount() >= this.#graph.getMaxElements()) {
      this.#graph.resizeIndex(Math.max(INITIAL_CAPACITY, 2 * this.#graph.getMaxElements()));
    }
    const label = this.#nodes.freeLabel(id);
    // A deleted node of this label is revived by this with the new vector.
    this.#graph.addPoint(point, label);
    this.#deleted.delete(label);
    this.#nodes.addNode(label, id);
  }

  remove(id: number): void {
    const label = this.#nodes.remove(id);
    if (label === null) return;
    this.#graph.markDelete(label);
    this.#deleted.add(label);
    // Nothing is left to answer with, and hnswlib's insertion expects a live node somewhere.
    if (this.#nodes.nodeCount === 0) this.clear();
  }

  clear(): void {
    this.#nodes = new TwinGroups();
    this.#deleted = new Set();
    this.#graph = newGraph(this.parameters);
  }

  /** [dimension] */
  vectorOf(id: number): Float32Array<ArrayBuffer> {
    return this.vectorOfNode(this.#nodes.labelOf(id));
  }

  /** [dimension] */
  vectorOfNode(label: number): Float32Array<ArrayBuffer> {
    return Float32Array.from(this.#graph.getPoint(label));
  }

  /** Whether the id is there with row `row` of `vectors`, [_, dimension], for its vector. */
  holds(id: number, vectors: Float32Array, row: number): boolean {
    if (!this.#nodes.has(id)) return false;
    return 1 - dot(vectors, row, this.vectorOf(id), 0, this.parameters.dimension) <= SAME_VECTOR_DISTANCE;
  }

  /** Neighbours of row `row` of `queries`, [_, dimension]. */
  search(queries: Float32Array, row: number, k: number, searchEf?: number): Neighbours {
    // Every node gives one id at least.
    const nodes = Math.min(k, this.nodeCount);
    if (nodes === 0) return { ids: [], similarities: [] };
    // hnswlib does not count deleted nodes among its candidates: k live ones are found beside any number of them.
    const ef = searchEf ?? Math.max(MINIMUM_SEARCH_EF, SEARCH_EF_PER_NEIGHBOUR * nodes);
    this.#graph.setEf(Math.max(ef, nodes));
    const found = this.#graph.searchKnn(this.#pointOf(queries, row), nodes);
    // The graph is directed: now and then a node cannot be reached, which shows when nearly all are asked for.
    if (found.neighbors.length < nodes) return this.#searchExactly(queries, row, k);
    const ids: number[] = [];
    const similarities: number[] = [];
    found.neighbors.forEach((label, rank) => {
      for (const id of this.#nodes.idsOf(label, k)) {
        ids.push(id);
        similarities.push(1 - (found.distances[rank] as number));
      }
    });
    return ranked(ids, similarities, k);
  }

  has(id: number): boolean {
    return this.#nodes.has(id);
  }

  /** Whether a node of the graph, deleted or not, bears this label. */
  hasNode(label: number): boolean {
    return this.isDeleted(label) || this.#nodes.isLabel(label);
  }

  isDeleted(label: number): boolean {
    return this.#deleted.has(label);
  }

  /** Reads a file that `write` wrote, in hnswlib's thread; nothing changes until it is adopted. */
  async load(file: string): Promise<LoadedGraph> {
    const graph = new hnswlib.HierarchicalNSW('ip', this.parameters.dimension);
    await graph.readIndex(file);
    return graph;
  }

  /** Takes a loaded graph with the labels of its nodes for its own. Throws when it does not hold what is expected. */
  adopt(graph: LoadedGraph, labels: Uint32Array, content: GraphContent): void {
    const deleted = new Set(content.deletedLabels);
    const nodes = TwinGroups.restore(labels, deleted, content.twins);
    if (nodes.nodeCount + deleted.size !== labels.length) throw new Error('it lacks deleted nodes');
    if (nodes.size !== content.liveCount) {
      throw new Error(`it holds ${nodes.size} vectors where ${content.liveCount} are expected`);
    }
    this.#graph = graph;
    this.#nodes = nodes;
    this.#deleted = deleted;
  }

  /** In hnswlib's thread, so that searches go on; nothing may be added or removed meanwhile. Reports no short write. */
  async write(file: string): Promise<void> {
    await this.#graph.writeIndex(file);
  }

  /** The node of a vector that cannot be told from this one. */
  #findTwin(point: number[]): number | null {
    if (this.nodeCount === 0) return null;
    this.#graph.setEf(TWIN_SEARCH_EF);
    const { neighbors, distances } = this.#graph.searchKnn(point, 1);
    return (distances[0] ?? 1) <= TWIN_DISTANCE ? (neighbors[0] ?? null) : null;
  }

  #searchExactly(queries: Float32Array, row: number, k: number): Neighbours {
    const best = new TopK(k);
    for (const id of this.#nodes.ids()) {
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
