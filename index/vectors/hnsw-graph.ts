import { dot } from './dot.js';
import { type GraphParameters, type LoadedGraph, type NodeContent, NodeGraph } from './node-graph.js';
import { defaultEf } from './search-ef.js';
import { ranked, TopK } from './top-k.js';
import { type TwinGroup, TwinGroups } from './twin-groups.js';
import type { Neighbours } from './types.js';

/** What a file of the graph does not tell by itself. */
export interface GraphContent extends NodeContent {
  liveCount: number;
  twins: TwinGroup[];
}

/** What a node's vector may differ from that of an id that shares it: its distance to a twin, and rounding. */
const SAME_VECTOR_DISTANCE = 1e-6;

/**
 * Ids and their vectors over a graph of nodes: answers for any k, and equal vectors. Equal vectors share a node: as nodes of their own they link only to
 * each other and cut the rest of the graph off (3 % equal vectors made 1.2 % of the others unreachable, 30 % made 21 %).
 *
 * Trusts its input: unit-norm vectors, ids below 2^32. Blocks the calling thread.
 */
export class HnswGraph {
  readonly parameters: GraphParameters;
  readonly #graph: NodeGraph;
  #nodes = new TwinGroups();

  constructor(parameters: GraphParameters) {
    this.parameters = parameters;
    this.#graph = new NodeGraph(parameters);
  }

  get liveCount(): number {
    return this.#nodes.size;
  }

  /** Nodes that answer searches. */
  get nodeCount(): number {
    return this.#nodes.nodeCount;
  }

  get hubCount(): number {
    return this.#graph.hubCount;
  }

  /** Deleted nodes still take part as way-points, until the graph is built anew. */
  get deletedCount(): number {
    return this.#graph.deletedCount;
  }

  content(): GraphContent {
    return { liveCount: this.liveCount, ...this.#graph.content(), twins: this.#nodes.groups() };
  }

  liveIds(): number[] {
    return [...this.#nodes.ids()];
  }

  /** Adds or replaces row `row` of `vectors`, [_, dimension]. */
  add(id: number, vectors: Float32Array, row: number): void {
    this.remove(id);
    const near = this.#graph.nearTo(vectors, row);
    if (near.twin !== null) {
      this.#nodes.join(near.twin, id);
      return;
    }
    const label = this.#nodes.freeLabel(id);
    this.#graph.insert(label, vectors, row, near);
    this.#nodes.addNode(label, id);
  }

  /** Nodes that additions may have cut off: `recheckSuspect` looks at one of them, and links it anew if that is so. */
  get suspectCount(): number {
    return this.#graph.suspectCount;
  }

  recheckSuspect(): void {
    this.#graph.recheckSuspect();
  }

  remove(id: number): void {
    const label = this.#nodes.remove(id);
    if (label !== null) this.#graph.delete(label);
  }

  clear(): void {
    this.#nodes = new TwinGroups();
    this.#graph.clear();
  }

  /** [dimension] */
  vectorOf(id: number): Float32Array<ArrayBuffer> {
    return this.vectorOfNode(this.#nodes.labelOf(id));
  }

  /** [dimension] */
  vectorOfNode(label: number): Float32Array<ArrayBuffer> {
    return this.#graph.vectorOf(label);
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
    const ef = searchEf ?? defaultEf(nodes, this.nodeCount);
    const found = this.#graph.search(queries, row, nodes, ef);
    if (found === null) return this.#searchExactly(queries, row, k);
    const ids: number[] = [];
    const similarities: number[] = [];
    found.ids.forEach((label, rank) => {
      for (const id of this.#nodes.idsOf(label, k)) {
        ids.push(id);
        similarities.push(found.similarities[rank] as number);
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
    return this.#graph.isDeleted(label);
  }

  /** Reads a file that `write` wrote, in hnswlib's thread; nothing changes until it is adopted. */
  async load(file: string): Promise<LoadedGraph> {
    return await this.#graph.load(file);
  }

  /** Takes a loaded graph for its own, with the ids that stand behind its nodes. */
  adopt(graph: LoadedGraph, { nodes, hubVectors }: ReadNodes, content: GraphContent): void {
    this.#graph.adopt(graph, content, hubVectors);
    this.#nodes = nodes;
  }

  /** In hnswlib's thread, so that searches go on; nothing may be added or removed meanwhile. Reports no short write. */
  async write(file: string): Promise<void> {
    await this.#graph.write(file);
  }

  #searchExactly(queries: Float32Array, row: number, k: number): Neighbours {
    const best = new TopK(k);
    for (const id of this.#nodes.ids()) {
      best.offer(id, dot(queries, row, this.vectorOf(id), 0, this.parameters.dimension));
    }
    return best.take();
  }
}

/** What a file says of a graph's nodes. */
export interface ReadNodes {
  nodes: TwinGroups;
  /** Of every hub, by its label. */
  hubVectors: Map<number, Float32Array>;
}

/** The ids behind nodes that bear these labels. Throws where they are not what is expected. */
export function readNodes(
  labels: Uint32Array,
  hubVectors: Map<number, Float32Array>,
  content: GraphContent,
): ReadNodes {
  const deleted = new Set(content.deletedLabels);
  const nodes = TwinGroups.restore(labels, deleted, content.twins);
  if (nodes.nodeCount + deleted.size !== labels.length) throw new Error('it lacks deleted nodes');
  if (nodes.size !== content.liveCount) {
    throw new Error(`it holds ${nodes.size} vectors where ${content.liveCount} are expected`);
  }
  const lacking = content.hubLabels.find((label) => !hubVectors.has(label) || !nodes.isLabel(label));
  if (lacking !== undefined) throw new Error(`it lacks hub ${lacking}`);
  return { nodes, hubVectors };
}
