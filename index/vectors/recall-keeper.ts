import { isUnfiltered } from '../library/segment-filter.js';
import type { Library, SegmentFilter } from '../library/types.js';
import { exactNeighbours, neighbourRecall } from './exact-neighbours.js';
import { rowsOf } from './rows.js';
import { EF_PER_NEIGHBOUR, MINIMUM_EF } from './search-ef.js';
import type { Neighbours, SegmentIndex, SnapshotOptions, VectorSearchOptions } from './types.js';

export interface RecallKeeperParts {
  index: SegmentIndex;
  library: Library;
  modelId: string;
  /** Share of the exact nearest segments that searches are to find, (0, 1]. */
  targetRecall: number;
  /** Milliseconds, ascending. */
  now?: () => number;
  /** Told what a check in the background could not do. */
  onError?: (error: unknown) => void;
}

/** What searches of late have found of what an exact search finds. */
export interface LiveRecall {
  /** Null until a search has been checked. */
  recall: number | null;
  checkedQueries: number;
  /** Candidates for each neighbour asked for. */
  efPerNeighbour: number;
}

const EF_PER_NEIGHBOUR_BOUNDS = { lowest: 1, highest: 128 } as const;
/** Of one search, so many queries are checked at most, and so many neighbours of each. */
const CHECKED_QUERIES = 2;
const CHECKED_NEIGHBOURS = 64;
/** A check takes at most this share of the time, and comes not more often than this. */
const SHARE_OF_TIME = 0.02;
const REST_MS = 5000;
/** The last so many queries count; with fewer than this, nothing is changed. */
const WINDOW = 50;
const ENOUGH = 10;
/** Fewer tell too little of whether a higher ef has found more. */
const ENOUGH_TO_COMPARE = 25;
/** Two raises that find less than this share of what was missing were in vain. */
const LEAST_GAIN = 0.05;
/** After raises in vain, none is tried for so long: by then the library may be another. */
const HOLD_MS = 3_600_000;

/**
 * Holds a promised recall: now and then a live query is searched exactly, too, beside everything else, and the number of
 * candidates (ef) follows what was missed. Too little recall raises ef at once, by half; recall far above the promise lowers it, by an
 * eighth. What the graph has no way to is not found by any ef: raises that gain next to nothing are taken back. Filtered searches keep recall
 * by their own means, and are passed on.
 */
export class RecallKeeper implements SegmentIndex {
  readonly #parts: RecallKeeperParts;
  readonly #now: () => number;
  #efPerNeighbour: number = EF_PER_NEIGHBOUR;
  #recalls: number[] = [];
  /** What it was, and what recall it had, before each of the raises that brought ef to what it is. */
  #raises: { efPerNeighbour: number; recall: number }[] = [];
  #holdUntilMs = Number.NEGATIVE_INFINITY;
  #nextCheckMs: number;
  #checking: Promise<void> | null = null;
  readonly #closing = new AbortController();

  constructor(parts: RecallKeeperParts) {
    this.#parts = parts;
    this.#now = parts.now ?? (() => performance.now());
    this.#nextCheckMs = this.#now();
  }

  get dimension(): number {
    return this.#parts.index.dimension;
  }

  get sequence(): number {
    return this.#parts.index.sequence;
  }

  get compaction(): Promise<void> | null {
    return this.#parts.index.compaction;
  }

  get liveRecall(): LiveRecall {
    const count = this.#recalls.length;
    const sum = this.#recalls.reduce((total, recall) => total + recall, 0);
    return {
      recall: count === 0 ? null : sum / count,
      checkedQueries: count,
      efPerNeighbour: this.#efPerNeighbour,
    };
  }

  async search(queries: Float32Array, k: number, options: VectorSearchOptions = {}): Promise<Neighbours[]> {
    if (options.searchEf !== undefined) return this.#parts.index.search(queries, k, options);
    const searchEf = Math.max(MINIMUM_EF, Math.ceil(this.#efPerNeighbour * k));
    const found = await this.#parts.index.search(queries, k, { searchEf });
    this.#considerCheck(queries, k, found);
    return found;
  }

  searchFiltered(
    queries: Float32Array,
    k: number,
    filter: SegmentFilter,
    options?: VectorSearchOptions,
  ): Promise<Neighbours[]> {
    if (isUnfiltered(filter)) return this.search(queries, k, options);
    return this.#parts.index.searchFiltered(queries, k, filter, options);
  }

  catchUp(): Promise<void> {
    return this.#parts.index.catchUp();
  }

  size(): Promise<number> {
    return this.#parts.index.size();
  }

  saveSnapshot(options?: SnapshotOptions): Promise<void> {
    return this.#parts.index.saveSnapshot(options);
  }

  /** Ends a check that is under way; the index itself stays open. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#checking;
  }

  /** Resolves when no check is under way. */
  async settled(): Promise<void> {
    await this.#checking;
  }

  #considerCheck(queries: Float32Array, k: number, found: readonly Neighbours[]): void {
    const startedMs = this.#now();
    if (this.#checking !== null || this.#closing.signal.aborted || startedMs < this.#nextCheckMs) return;
    if (k > CHECKED_NEIGHBOURS || found.length === 0) return;
    this.#checking = this.#check(queries, k, found)
      .catch((error: unknown) => {
        if (!this.#closing.signal.aborted) this.#parts.onError?.(error);
      })
      .finally(() => {
        const tookMs = this.#now() - startedMs;
        this.#nextCheckMs = this.#now() + Math.max(REST_MS, tookMs / SHARE_OF_TIME);
        this.#checking = null;
      });
  }

  /** The library may change meanwhile: what came or went since the search is counted against it, which is rare and on the safe side. */
  async #check(queries: Float32Array, k: number, found: readonly Neighbours[]): Promise<void> {
    const { library, modelId } = this.#parts;
    const { dimension } = this;
    const rows = spread(found.length, CHECKED_QUERIES);
    const checked = rowsOf(queries, rows, dimension);
    const { signal } = this.#closing;
    const exact = await exactNeighbours({ library, modelId, dimension, queries: checked, k, signal });
    exact.forEach((neighbours, i) => {
      this.#recalls.push(neighbourRecall(found[rows[i] as number] as Neighbours, neighbours));
    });
    this.#recalls = this.#recalls.slice(-WINDOW);
    this.#adjust();
  }

  #adjust(): void {
    const { recall, checkedQueries, efPerNeighbour } = this.liveRecall;
    const { targetRecall } = this.#parts;
    if (recall === null || checkedQueries < ENOUGH) return;
    if (recall < targetRecall) this.#raise(recall);
    else if (1 - recall < (1 - targetRecall) / 4 && checkedQueries === WINDOW) {
      this.#raises = [];
      this.#efPerNeighbour = Math.max(EF_PER_NEIGHBOUR_BOUNDS.lowest, efPerNeighbour * 0.875);
    }
    // What was measured before says nothing of the new ef.
    if (this.#efPerNeighbour !== efPerNeighbour) this.#recalls = [];
  }

  #raise(recall: number): void {
    if (this.#now() < this.#holdUntilMs) return;
    const before = this.#raises.at(-2);
    if (before !== undefined) {
      if (this.#recalls.length < ENOUGH_TO_COMPARE) return;
      if (recall - before.recall < LEAST_GAIN * (this.#parts.targetRecall - before.recall)) {
        this.#efPerNeighbour = before.efPerNeighbour;
        this.#raises = [];
        this.#holdUntilMs = this.#now() + HOLD_MS;
        return;
      }
    }
    this.#raises.push({ efPerNeighbour: this.#efPerNeighbour, recall });
    this.#efPerNeighbour = Math.min(EF_PER_NEIGHBOUR_BOUNDS.highest, this.#efPerNeighbour * 1.5);
  }
}

/** At most `count` of the numbers below `length`, evenly spread. */
function spread(length: number, count: number): number[] {
  const taken = Math.min(length, count);
  return Array.from({ length: taken }, (_, i) => Math.floor((i * length) / taken));
}
