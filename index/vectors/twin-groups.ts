import { IdSet } from './id-set.js';

/** A node of the graph and the ids that share it. */
export type TwinGroup = [label: number, ids: number[]];

/** hnswlib-node takes labels as 32-bit integers and wraps beyond. */
export const MAXIMUM_LABEL = 2 ** 32 - 1;

/**
 * Which ids stand behind which node of the graph. Most nodes have one id, which is also their label; only the others
 * are written down.
 */
export class TwinGroups {
  /** Ids of the nodes that have several, or one that is not their label. */
  readonly #idsOf = new Map<number, Set<number>>();
  /** Nodes of the ids that are not their node's label. */
  readonly #labelOf = new Map<number, number>();
  readonly #ids = new IdSet();
  #nodeCount = 0;

  /** Of nodes that bear `labels`, but for the deleted ones. */
  static restore(
    labels: ArrayLike<number>,
    deleted: ReadonlySet<number>,
    groups: readonly TwinGroup[],
  ): TwinGroups {
    const restored = new TwinGroups();
    const grouped = new Map(groups);
    // A loop that makes nothing: it runs once in a thread, before any of it is compiled.
    for (let node = 0; node < labels.length; node += 1) {
      const label = labels[node] as number;
      if (deleted.has(label)) continue;
      const ids = grouped.get(label);
      if (ids === undefined) restored.addNode(label, label);
      else restored.#addGroup(label, ids);
    }
    return restored;
  }

  #addGroup(label: number, [first, ...others]: readonly number[]): void {
    if (first === undefined) throw new Error(`node ${label} has no id`);
    this.addNode(label, first);
    for (const id of others) this.join(label, id);
  }

  get size(): number {
    return this.#ids.size;
  }

  get nodeCount(): number {
    return this.#nodeCount;
  }

  has(id: number): boolean {
    return this.#ids.has(id);
  }

  ids(): Iterable<number> {
    return this.#ids.values();
  }

  /** A label for a new node of this id: the id itself unless other ids still use the node that it gave its name to. */
  freeLabel(id: number): number {
    if (!this.isLabel(id)) return id;
    let label = MAXIMUM_LABEL;
    while (this.isLabel(label)) label -= 1;
    return label;
  }

  /** `label` is free and `id` is new. */
  addNode(label: number, id: number): void {
    this.#nodeCount += 1;
    this.#ids.add(id);
    if (label === id) return;
    this.#idsOf.set(label, new Set([id]));
    this.#labelOf.set(id, label);
  }

  /** A new id shares the node. */
  join(label: number, id: number): void {
    const ids = this.#idsOf.get(label) ?? new Set([label]);
    ids.add(id);
    this.#idsOf.set(label, ids);
    this.#ids.add(id);
    if (label !== id) this.#labelOf.set(id, label);
  }

  /** Answers the node that has lost its last id by this, if any. */
  remove(id: number): number | null {
    if (!this.#ids.delete(id)) return null;
    const label = this.labelOf(id);
    this.#labelOf.delete(id);
    const ids = this.#idsOf.get(label);
    ids?.delete(id);
    if (ids !== undefined && ids.size > 0) return null;
    this.#idsOf.delete(label);
    this.#nodeCount -= 1;
    return label;
  }

  labelOf(id: number): number {
    return this.#labelOf.get(id) ?? id;
  }

  /** The first `limit` ids of a node, as they came. */
  idsOf(label: number, limit: number): number[] {
    const ids = this.#idsOf.get(label);
    if (ids === undefined) return [label];
    const taken: number[] = [];
    for (const id of ids) {
      if (taken.length >= limit) break;
      taken.push(id);
    }
    return taken;
  }

  /** What `restore` needs beside the labels. */
  groups(): TwinGroup[] {
    return [...this.#idsOf].map(([label, ids]) => [label, [...ids]]);
  }

  isLabel(label: number): boolean {
    return this.#idsOf.has(label) || (this.#ids.has(label) && !this.#labelOf.has(label));
  }
}
