import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Library, SegmentFilter } from '../library/types.js';
import { dot } from './dot.js';
import type { FilterCounts } from './filter-counts.js';
import type { HnswIndex } from './hnsw-index.js';
import { rowsOf } from './rows.js';
import { EF_PER_NEIGHBOUR, MINIMUM_EF } from './search-ef.js';
import { TopK } from './top-k.js';
import type { Neighbours, VectorSearchOptions } from './types.js';
import { toUnitVectors } from './unit-vectors.js';

/** Microseconds at dimension 256 that decide between the two ways. Only their ratios matter. */
const COST = {
  /** To read one allowed embedding from the library. */
  rowUs: 0.7,
  /** To compare it with one query. */
  comparisonUs: 0.5,
  /** To search the graph for one query. */
  searchUs: 300,
  /** For each neighbour that the graph is asked for. */
  neighbourUs: 12,
} as const;

const BATCH = 4096;

export interface FilteredSearchParts {
  index: HnswIndex;
  library: Library;
  modelId: string;
  counts: FilterCounts;
}

/**
 * The k nearest among the segments that the filter allows. Either the allowed embeddings are read and compared one by
 * one, or the graph is asked for more neighbours than needed until k of them are allowed: whichever costs less. The
 * second turns into the first where it finds too few, so that a filter never costs an answer.
 */
export async function searchFiltered(
  parts: FilteredSearchParts,
  queries: Float32Array,
  k: number,
  filter: SegmentFilter,
  options: VectorSearchOptions,
): Promise<Neighbours[]> {
  const { dimension } = parts.index;
  const queryCount = Math.floor(queries.length / dimension);
  const rows = toUnitVectors(queries, queryCount, dimension, 'Queries');
  const { allowed, total } = await parts.counts.of(filter);
  const share = allowed / Math.max(1, total);
  const exactUs = allowed * (COST.rowUs + COST.comparisonUs * queryCount);

  const answers = new Array<Neighbours | null>(queryCount).fill(null);
  // Where allowed segments lie evenly, this many neighbours hold k of them; twice that to be on the safe side. All that is not allowed, and k more, are enough in any case.
  for (let take = Math.min(Math.ceil((2 * k) / share), k + total - allowed); ; take *= 4) {
    const open = positionsOf(answers, null);
    if (open.length === 0) return answers as Neighbours[];
    if (open.length * (COST.searchUs + COST.neighbourUs * take) > exactUs) break;
    await overFetch(parts, rows, { open, answers, k, take }, filter, options);
  }
  const open = positionsOf(answers, null);
  const exact = await searchExactly(parts, rowsOf(rows, open, dimension), k, filter);
  return answers.map((answer, position) => answer ?? (exact[open.indexOf(position)] as Neighbours));
}

interface OverFetch {
  /** Queries without an answer. */
  open: readonly number[];
  answers: (Neighbours | null)[];
  k: number;
  take: number;
}

/** Takes neighbours of the open queries; those with k allowed ones among them are answered. */
async function overFetch(
  { index, library }: FilteredSearchParts,
  queries: Float32Array,
  { open, answers, k, take }: OverFetch,
  filter: SegmentFilter,
  options: VectorSearchOptions,
): Promise<void> {
  const searchEf = Math.max(options.searchEf ?? 0, EF_PER_NEIGHBOUR * take, MINIMUM_EF);
  const found = await index.search(rowsOf(queries, open, index.dimension), take, { searchEf });
  const ids = [...new Set(found.flatMap((neighbours) => neighbours.ids))];
  const allowed = new Set(await library.allowedSegments(ids, filter));
  found.forEach((neighbours, i) => {
    const kept = neighbours.ids.flatMap((id, rank) => (allowed.has(id) ? [rank] : [])).slice(0, k);
    if (kept.length < k) return;
    answers[open[i] as number] = {
      ids: kept.map((rank) => neighbours.ids[rank] as number),
      similarities: kept.map((rank) => neighbours.similarities[rank] as number),
    };
  });
}

/** Reads the allowed embeddings from the library in batches and compares each with every query. */
async function searchExactly(
  { index, library, modelId }: FilteredSearchParts,
  queries: Float32Array,
  k: number,
  filter: SegmentFilter,
): Promise<Neighbours[]> {
  const { dimension } = index;
  const best = Array.from({ length: queries.length / dimension }, () => new TopK(k));
  for (let afterId = 0; ; ) {
    const { ids, vectors } = await library.readVectors(modelId, afterId, BATCH, filter);
    if (ids.length === 0) return best.map((kept) => kept.take());
    best.forEach((kept, query) => {
      for (let row = 0; row < ids.length; row += 1) {
        kept.offer(ids[row] as number, dot(queries, query, vectors, row, dimension));
      }
    });
    afterId = ids.at(-1) as number;
    // Other requests are answered between two batches.
    await nextTurn();
  }
}

function positionsOf<T>(values: readonly T[], wanted: T): number[] {
  return values.flatMap((value, position) => (value === wanted ? [position] : []));
}
