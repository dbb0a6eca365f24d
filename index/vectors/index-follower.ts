import { setImmediate as nextTurn } from 'node:timers/promises';
import { errorMessageOf } from '../errors.js';
import { isUnfiltered } from '../library/segment-filter.js';
import type { Library, SegmentChange, SegmentFilter, SegmentVectors } from '../library/types.js';
import type { IndexOpening } from '../types.js';
import { FilterCounts } from './filter-counts.js';
import { searchFiltered } from './filtered-search.js';
import { HnswIndex } from './hnsw-index.js';
import { SnapshotStore } from './snapshot.js';
import { withoutSpoilt } from './spoilt-vectors.js';
import type { Neighbours, SegmentIndex, SnapshotOptions, VectorSearchOptions } from './types.js';

type IndexLogDetails = Readonly<Record<string, unknown>>;

export interface IndexLogger {
  info(details: IndexLogDetails, message: string): void;
  warn(details: IndexLogDetails, message: string): void;
}

export interface OpenSegmentIndexOptions {
  library: Library;
  model: { id: string; dimension: number };
  /** Of snapshots. */
  folder: string;
  /** Whether snapshots are written: by the holder of the folder lock only. */
  writable: boolean;
  /** The thread is started at once, the library read when this has resolved; its failure is that of the opening. */
  after?: Promise<unknown> | undefined;
  /** While segments are put into the graph that no snapshot holds. */
  onProgress?: ((progress: { segmentsDone: number; segmentsTotal: number }) => void) | undefined;
  logger?: IndexLogger | undefined;
}

/** Small enough that a removal never waits long behind the insertions of its batch. */
const CHANGES_PER_BATCH = 512;
const VECTORS_PER_BATCH = 1024;
/** The graph is built anew when no fewer than this, and this many for each that is left, are deleted: they cost memory and time. */
const COMPACTION_MINIMUM = 1000;
const COMPACTION_SHARE = 0.5;
/** A snapshot is written when this many changes, and this share of the index, are newer than the last one. */
const AUTOSAVE_MINIMUM = 5000;
const AUTOSAVE_SHARE = 0.25;
/** An index of this many segments is nearly saved when less than this share is newer than its snapshot: of a million, 46 s of insertions. */
const NEARLY_MINIMUM = 10_000;
const NEARLY_SHARE = 0.01;

/**
 * Opens the index of one model's segments: from its snapshot where that is whole and belongs to this library's history,
 * else from the library itself, and says which and why.
 */
export async function openSegmentIndex(
  options: OpenSegmentIndexOptions,
): Promise<{ index: SegmentIndex; opening: IndexOpening }> {
  const index = new IndexFollower(options);
  try {
    await options.after;
    return { index, opening: await index.open() };
  } catch (error) {
    await index.close();
    throw error;
  }
}

/** An HNSW index that follows the library's change log. */
class IndexFollower implements SegmentIndex {
  readonly dimension: number;
  readonly #options: OpenSegmentIndexOptions;
  readonly #library: Library;
  readonly #modelId: string;
  readonly #index: HnswIndex;
  readonly #snapshots: SnapshotStore;
  readonly #filterCounts: FilterCounts;
  #sequence = 0;
  /** Additions up to this segment are in the index already, whatever the log says. */
  #rebuiltUpToId = 0;
  /** Of the snapshot on disk. */
  #savedSequence: number | null = null;
  /** When a snapshot was last tried without being asked for: a full disk is not tried again at every change. */
  #autosavedSequence = 0;
  /** What changes or saves the index, one after another. */
  #queue: Promise<unknown> = Promise.resolve();
  #compaction: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: OpenSegmentIndexOptions) {
    this.#options = options;
    this.#library = options.library;
    this.#modelId = options.model.id;
    this.dimension = options.model.dimension;
    this.#index = new HnswIndex(options.model.dimension);
    this.#snapshots = new SnapshotStore(options.folder, options.model.id);
    this.#filterCounts = new FilterCounts(options.library, options.model.id, () => this.#sequence);
  }

  get sequence(): number {
    return this.#sequence;
  }

  get compaction(): Promise<void> | null {
    return this.#compaction;
  }

  async open(): Promise<IndexOpening> {
    const startedAt = performance.now();
    const reason = await this.#loadSnapshot();
    let how: IndexOpening['how'] = 'loaded';
    if (reason !== null) {
      how = (await this.#rebuild()) === 0 ? 'empty' : 'rebuilt';
      if (how === 'rebuilt' || reason !== NO_SNAPSHOT)
        this.#options.logger?.warn({ reason }, 'The vector index was rebuilt from the library');
    }
    await this.catchUp();
    const segmentCount = await this.size();
    const elapsedMs = performance.now() - startedAt;
    return {
      how,
      reason: how === 'loaded' || (how === 'empty' && reason === NO_SNAPSHOT) ? null : reason,
      segmentCount,
      elapsedMs,
    };
  }

  catchUp(): Promise<void> {
    return this.#enqueue(async () => {
      await this.#applyChanges();
      await this.#startCompactionIfWorthwhile();
      await this.#saveIfWorthwhile();
    });
  }

  search(queries: Float32Array, k: number, options?: VectorSearchOptions): Promise<Neighbours[]> {
    return this.#index.search(queries, k, options);
  }

  async searchFiltered(
    queries: Float32Array,
    k: number,
    filter: SegmentFilter,
    options: VectorSearchOptions = {},
  ): Promise<Neighbours[]> {
    if (isUnfiltered(filter)) return await this.#index.search(queries, k, options);
    const parts = {
      index: this.#index,
      library: this.#library,
      modelId: this.#modelId,
      counts: this.#filterCounts,
    };
    return await searchFiltered(parts, queries, k, filter, options);
  }

  size(): Promise<number> {
    return this.#index.size();
  }

  saveSnapshot({ unlessNearlyWhole = false }: SnapshotOptions = {}): Promise<void> {
    return this.#enqueue(async () => {
      if (!unlessNearlyWhole || !(await this.#isNearlySaved())) await this.#save();
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#queue.then(() => this.#index.close());
    return this.#closing;
  }

  /** Serialises, and lets a failed step not keep later ones from being tried. */
  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** Null when the index is the snapshot's, brought up to now; else why it is not. */
  async #loadSnapshot(): Promise<string | null> {
    const reading = await this.#snapshots.read(this.#index);
    if (!reading.loaded)
      return reading.reason === null ? NO_SNAPSHOT : `The snapshot is not used: ${reading.reason}.`;
    const { sequence, mark } = reading.position;
    const lastSequence = await this.#library.lastSequence();
    if (sequence > lastSequence) {
      return `The snapshot is ahead of the library: it holds change ${sequence}, the library ${lastSequence}.`;
    }
    if ((await this.#library.changeMark(sequence)) !== mark) {
      return 'The snapshot belongs to another library, or to a history that a restored backup has replaced.';
    }
    this.#sequence = sequence;
    this.#savedSequence = sequence;
    await this.catchUp();
    return await this.#compareCounts();
  }

  /** A last look before a loaded index is trusted. */
  async #compareCounts(): Promise<string | null> {
    const [held, stored] = [await this.size(), await this.#library.countSegments(this.#modelId)];
    // Without the folder lock another process may have written between the two.
    if (held === stored || !this.#options.writable) return null;
    return `The snapshot holds ${held} segments where the library has ${stored}.`;
  }

  /** Puts all of the library's vectors into an empty graph; returns how many. */
  async #rebuild(): Promise<number> {
    await this.#index.clear();
    this.#sequence = await this.#library.lastSequence();
    this.#savedSequence = null;
    const segmentsTotal = await this.#library.countSegments(this.#modelId);
    let segmentsDone = 0;
    for (let afterId = 0; ; ) {
      const batch = await this.#library.readVectors(this.#modelId, afterId, VECTORS_PER_BATCH);
      if (batch.ids.length === 0) return segmentsDone;
      afterId = batch.ids.at(-1) as number;
      await this.#add(batch);
      this.#rebuiltUpToId = afterId;
      segmentsDone += batch.ids.length;
      this.#options.onProgress?.({ segmentsDone, segmentsTotal });
    }
  }

  async #applyChanges(): Promise<void> {
    for (;;) {
      const changes = await this.#library.changesAfter(this.#modelId, this.#sequence, CHANGES_PER_BATCH);
      const last = changes.at(-1);
      if (last === undefined) return;
      await this.#apply(changes);
      this.#sequence = last.sequence;
      await nextTurn();
    }
  }

  async #apply(changes: readonly SegmentChange[]): Promise<void> {
    const removed = new Set(
      changes.flatMap(({ kind, segmentId }) => (kind === 'removed' ? [segmentId] : [])),
    );
    // Ids are never given twice: what is removed within the batch need not be added first.
    const added = changes.flatMap(({ kind, segmentId }) =>
      kind === 'added' && !removed.has(segmentId) && segmentId > this.#rebuiltUpToId ? [segmentId] : [],
    );
    if (removed.size > 0) await this.#index.remove([...removed]);
    if (added.length > 0) await this.#add(await this.#library.vectorsOf(added));
  }

  async #add(batch: SegmentVectors): Promise<void> {
    const { sound, spoiltIds } = withoutSpoilt(batch, this.dimension);
    if (spoiltIds.length > 0) {
      this.#options.logger?.warn({ segmentIds: spoiltIds }, 'Spoilt vectors of the library are left out');
    }
    if (sound.ids.length > 0) await this.#index.add(sound.ids, sound.vectors);
  }

  async #save(): Promise<void> {
    if (!this.#options.writable) return;
    await this.#removeSuperseded();
    if (this.#savedSequence === this.#sequence) return;
    const sequence = this.#sequence;
    const mark = await this.#library.changeMark(sequence);
    await this.#snapshots.write(this.#index, { sequence, mark });
    this.#savedSequence = sequence;
  }

  /**
   * Snapshots of other models hold nothing but removed vectors when no video is embedded by them any more. Whoever goes back to
   * such a model embeds anew, and its index is built of that.
   */
  async #removeSuperseded(): Promise<void> {
    const others = (await this.#library.unusedModels()).filter((id) => id !== this.#modelId);
    for (const id of others) {
      await new SnapshotStore(this.#options.folder, id).remove().catch((error: unknown) => {
        const reason = `${id}: ${errorMessageOf(error)}`;
        this.#options.logger?.warn({ reason }, 'The vector index of a superseded model could not be removed');
      });
    }
  }

  async #isNearlySaved(): Promise<boolean> {
    const size = await this.size();
    return (
      this.#savedSequence !== null &&
      this.#sequence - this.#savedSequence < NEARLY_SHARE * size &&
      size >= NEARLY_MINIMUM
    );
  }

  /** So that after a crash no more than a share of the index is built again. */
  async #saveIfWorthwhile(): Promise<void> {
    const unsaved = this.#sequence - Math.max(this.#savedSequence ?? 0, this.#autosavedSequence);
    if (unsaved < AUTOSAVE_MINIMUM || unsaved < AUTOSAVE_SHARE * (await this.size())) return;
    this.#autosavedSequence = this.#sequence;
    try {
      await this.#save();
    } catch (error) {
      // The library has everything; only the next start takes longer.
      this.#options.logger?.warn({ reason: errorMessageOf(error) }, 'The vector index could not be saved');
    }
  }

  /** A removal that made it worthwhile is done already. A reader could not keep what comes of it. */
  async #startCompactionIfWorthwhile(): Promise<void> {
    if (this.#compaction !== null || !this.#options.writable) return;
    const { nodeCount, deletedCount } = await this.#index.counts();
    if (deletedCount < COMPACTION_MINIMUM || deletedCount <= COMPACTION_SHARE * nodeCount) return;
    this.#compaction = this.#compact({ nodeCount, deletedCount });
  }

  async #compact(before: { nodeCount: number; deletedCount: number }): Promise<void> {
    try {
      await this.#index.compact();
      // The snapshot still has the removed ones, and so has one that is being written.
      await this.#enqueue(async () => {
        this.#savedSequence = null;
      });
      this.#options.logger?.info(before, 'The vector index was built anew without its removed segments');
    } catch (error) {
      if (this.#closing !== null) return;
      this.#options.logger?.warn(
        { reason: errorMessageOf(error) },
        'The vector index could not be built anew',
      );
    } finally {
      this.#compaction = null;
    }
  }
}

const NO_SNAPSHOT = 'There is no snapshot yet.';
