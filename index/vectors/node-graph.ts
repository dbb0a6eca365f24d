import hnswlib from 'hnswlib-node';
import { HubNodes } from './hub-nodes.js';
import { type CountsPage, LabelCounts } from './label-counts.js';
import { NearestLabels } from './nearest-labels.js';
import type { Neighbours } from './types.js';

export interface GraphParameters {
  dimension: number;
  /** Links of a node; twice as many on the lowest level. */
  m: number;
  efConstruction: number;
}

/** What of the nodes a file of the graph does not tell by itself. */
export interface NodeContent {
  /** Nodes that are only way-points. */
  deletedLabels: number[];
  /** Nodes that are only way-points to hnswlib, and are compared with every query beside it. */
  hubLabels: number[];
  /** How often each node was among the nearest of a new one. */
  nearCounts: CountsPage[];
}

/** What a vector that is to be added is near to. */
export interface Near {
  /** Nodes, but no hubs. */
  labels: number[];
  /** The node, hub or not, of a vector that cannot be told from it. */
  twin: number | null;
}

/** A graph of hnswlib's that a file was read into. */
export type LoadedGraph = hnswlib.HierarchicalNSW;

const INITIAL_CAPACITY = 1024;
const NEAR_SEARCH_EF = 16;
const RECHECK_EF = 64;
const NEAR_NEIGHBOURS = 8;
/** What float32 can still tell from 0 in 1 - cosine. */
const TWIN_DISTANCE = 2e-7;
/**
 * A node is a hub when it was among the nearest of more new nodes than this. Of 30,000 vectors around 136 that makes 145 hubs; with 100,
 * four times as many of the others are lost, and with 32, 345 are hubs.
 */
const HUB_COUNT = 64;

/**
 * Nodes of one hnswlib graph (Malkov and Yashunin, 2018, arXiv:1603.09320) by their labels, with what the library lacks:
 * growth, a record of what is deleted, and hubs.
 *
 * A hub is a node that is among the nearest of many others (Radovanović et al., 2010, "Hubs in space"). hnswlib gives a node
 * no link to one that is nearer to a neighbour which it has already, so that those around a hub link to it and not to each
 * other; the hub keeps 2 m of them, and to the others no link leads. To hnswlib a hub is therefore a deleted node: searches pass through it, but
 * no new node links to it, and those around it link to each other. Hubs are few, and compared with every query. Those that came around it
 * before are suspects: they may be lost already, and are put in again when they are not found.
 */
export class NodeGraph {
  readonly #parameters: GraphParameters;
  /** hnswlib-node takes plain arrays only; one is enough. */
  readonly #point: number[];
  #deleted = new Set<number>();
  #hubs: HubNodes;
  #nearCounts = new LabelCounts();
  /** Of each node when it came. Not kept in snapshots. */
  #nearest = new NearestLabels();
  #suspects: number[] = [];
  #graph: hnswlib.HierarchicalNSW;

  constructor(parameters: GraphParameters) {
    this.#parameters = parameters;
    this.#point = new Array<number>(parameters.dimension).fill(0);
    this.#hubs = new HubNodes(parameters.dimension);
    this.#graph = newGraph(parameters);
  }

  /** Nodes that answer searches. */
  get count(): number {
    return this.#graph.getCurrentCount() - this.#deleted.size;
  }

  get hubCount(): number {
    return this.#hubs.size;
  }

  /** Deleted nodes still take part as way-points, until the graph is built anew. */
  get deletedCount(): number {
    return this.#deleted.size;
  }

  isDeleted(label: number): boolean {
    return this.#deleted.has(label);
  }

  content(): NodeContent {
    return {
      deletedLabels: [...this.#deleted],
      hubLabels: [...this.#hubs.labels()],
      nearCounts: this.#nearCounts.pages(),
    };
  }

  /** Of row `row` of `vectors`, [_, dimension]. */
  nearTo(vectors: Float32Array, row: number): Near {
    const count = Math.min(NEAR_NEIGHBOURS, this.#linkedCount);
    const near = this.#searchLinked(vectors, row, count, NEAR_SEARCH_EF);
    const twin = twinOf(near) ?? twinOf(this.#hubs.nearest(vectors, row, 1));
    return { labels: near.ids, twin };
  }

  /** Row `row` of `vectors` as a node of a label that no live node has. `near` is what it is near to. */
  insert(label: number, vectors: Float32Array, row: number, near: Near): void {
    for (const other of near.labels) this.#countNear(other);
    this.#add(label, vectors, row);
    const [nearest] = near.labels;
    if (nearest !== undefined) this.#nearest.set(label, nearest);
  }

  /** Nodes that `recheckSuspect` is to look at, once each. */
  get suspectCount(): number {
    return this.#suspects.length;
  }

  recheckSuspect(): void {
    const label = this.#suspects.pop();
    if (label === undefined || this.#deleted.has(label) || this.#hubs.has(label)) return;
    const vector = this.vectorOf(label);
    const found = this.#searchLinked(vector, 0, 1, RECHECK_EF);
    if (found.ids[0] !== label) this.#add(label, vector, 0);
  }

  /** Of a live node. */
  delete(label: number): void {
    this.#nearCounts.reset(label);
    this.#nearest.delete(label);
    if (!this.#hubs.delete(label)) this.#graph.markDelete(label);
    this.#deleted.add(label);
    // hnswlib's insertion expects a live node somewhere.
    if (this.#linkedCount === 0) this.#startAnewFromHubs();
  }

  clear(): void {
    this.#deleted = new Set();
    this.#hubs = new HubNodes(this.#parameters.dimension);
    this.#nearCounts = new LabelCounts();
    this.#nearest = new NearestLabels();
    this.#suspects = [];
    this.#graph = newGraph(this.#parameters);
  }

  /** Of a live node: [dimension] */
  vectorOf(label: number): Float32Array<ArrayBuffer> {
    return this.#hubs.has(label)
      ? this.#hubs.vectorOf(label)
      : Float32Array.from(this.#graph.getPoint(label));
  }

  /**
   * Labels of the k nearest to row `row` of `queries`, [_, dimension], in no order, and perhaps some more; k is not above the number of live nodes.
   * Null when fewer were found: the graph is directed, and now and then a node cannot be reached, which shows when nearly all are asked for.
   */
  search(queries: Float32Array, row: number, k: number, searchEf: number): Neighbours | null {
    const linked = Math.min(k, this.#linkedCount);
    const found = this.#searchLinked(queries, row, linked, searchEf);
    if (found.ids.length < linked) return null;
    const leastSimilarity = linked === k ? found.similarities.at(-1) : undefined;
    const hubs = this.#hubs.nearest(queries, row, k, leastSimilarity);
    return {
      ids: [...found.ids, ...hubs.ids],
      similarities: [...found.similarities, ...hubs.similarities],
    };
  }

  /** Reads a file that `write` wrote, in hnswlib's thread; nothing changes until it is adopted. */
  async load(file: string): Promise<LoadedGraph> {
    const graph = new hnswlib.HierarchicalNSW('ip', this.#parameters.dimension);
    await graph.readIndex(file);
    return graph;
  }

  /** Takes a loaded graph for its own, with the vectors of its hubs, which hnswlib tells of no node that is marked as deleted. */
  adopt(graph: LoadedGraph, content: NodeContent, hubVectors: ReadonlyMap<number, Float32Array>): void {
    const hubs = new HubNodes(this.#parameters.dimension);
    for (const [label, vector] of hubVectors) hubs.add(label, vector);
    this.#nearCounts = LabelCounts.restore(content.nearCounts);
    this.#nearest = new NearestLabels();
    this.#suspects = [];
    this.#graph = graph;
    this.#deleted = new Set(content.deletedLabels);
    this.#hubs = hubs;
  }

  /** In hnswlib's thread, so that searches go on; nothing may be added or removed meanwhile. Reports no short write. */
  async write(file: string): Promise<void> {
    await this.#graph.writeIndex(file);
  }

  /** Live nodes that are no hubs. */
  get #linkedCount(): number {
    return this.count - this.#hubs.size;
  }

  /** Nearest first. */
  #searchLinked(queries: Float32Array, row: number, count: number, searchEf: number): Neighbours {
    if (count === 0) return { ids: [], similarities: [] };
    // hnswlib does not count deleted nodes among its candidates: as many live ones are found beside any number of them.
    this.#graph.setEf(Math.max(searchEf, count));
    const { neighbors, distances } = this.#graph.searchKnn(this.#pointOf(queries, row), count);
    return { ids: neighbors, similarities: distances.map((distance) => 1 - distance) };
  }

  /** One more node is near this one, which by that may become a hub. */
  #countNear(label: number): void {
    if (this.#nearCounts.increment(label) <= HUB_COUNT) return;
    this.#hubs.add(label, this.vectorOf(label));
    this.#graph.markDelete(label);
    this.#suspects.push(...this.#nearest.labelsOf(label));
  }

  #add(label: number, vectors: Float32Array, row: number): void {
    if (this.#graph.getCurrentCount() >= this.#graph.getMaxElements()) {
      this.#graph.resizeIndex(Math.max(INITIAL_CAPACITY, 2 * this.#graph.getMaxElements()));
    }
    // A node of this label, deleted or not, is put where the vector belongs.
    this.#graph.addPoint(this.#pointOf(vectors, row), label);
    this.#deleted.delete(label);
  }

  /** Only hubs are left, or nothing: they become nodes like others. */
  #startAnewFromHubs(): void {
    const hubs = this.#hubs;
    this.clear();
    for (const label of hubs.labels()) this.#add(label, hubs.vectorOf(label), 0);
  }

  #pointOf(vectors: Float32Array, row: number): number[] {
    const { dimension } = this.#parameters;
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

function twinOf({ ids, similarities }: Neighbours): number | null {
  return 1 - (similarities[0] ?? 0) <= TWIN_DISTANCE ? (ids[0] ?? null) : null;
}
