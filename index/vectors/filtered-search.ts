import type { Library, SegmentFilter } from '../library/types.js';
import type { HnswIndex } from './hnsw-index.js';
import { dot, TopK } from './top-k.js';
import type { Neighbours, VectorSearchOptions } from './types.js';
import { checkUnitVectors } from './unit-vectors.js';

export interface FilteredSearchLimits {
  /** Up to so many allowed segments are compared one by one. */
  exactCount: number;
  /** Up to so many neighbours are taken from the graph in the hope that k of them are allowed. */
  overFetch: number;
}

/** Measured in docs/architecture.md. */
export const FILTERED_SEARCH_LIMITS: FilteredSearchLimits = { exactCount: 20_000, overFetch: 4096 };

const BATCH = 4096;

export interface FilteredSearchParts {
  index: HnswIndex;
  library: Library;
  modelId: string;
  limits: FilteredSearchLimits;
}

/**
 * The k nearest among the segments that the filter allows. Few allowed segments are compared exactly; many are reached
 * by taking more neighbours than asked for, and where even that gives less than k, exactly again.
 */
export async function searchFiltered(
  parts: FilteredSearchParts,
  queries: Float32Array,
  k: number,
  filter: SegmentFilter,
  options: VectorSearchOptions,
): Promise<Neighbours[]> {
  const { index, library, modelId, limits } = parts;
  checkUnitVectors(queries, Math.floor(queries.length / index.dimension), index.dimension, 'Queries');
  const allowedCount = await library.countSegments(modelId, filter);
  if (allowedCount <= limits.exactCount) return await searchExactly(parts, queries, k, filter);

  const queryCount = queries.length / index.dimension;
  const answers = new Array<Neighbours | null>(queryCount).fill(null);
  // Where allowed segments lie evenly, this many neighbours hold k of them; twice that to be on the safe side.
  const share = allowedCount / Math.max(1, await library.countSegments(modelId));
  for (let take = Math.ceil((2 * k) / share); take <= limits.overFetch; take *= 4) {
    await fill(answers, parts, queries, { k, take }, filter, options);
    if (!answers.includes(null)) return answers as Neighbours[];
  }
  return await completeExactly(answers, parts, queries, k, filter);
}

/** Takes neighbours of the unanswered queries; those with k allowed ones among them are answered. */
async function fill(
  answers: (Neighbours | null)[],
  { index, library }: FilteredSearchParts,
  queries: Float32Array,
  { k, take }: { k: number; take: number },
  filter: SegmentFilter,
  options: VectorSearchOptions,
): Promise<void> {
  const open = positionsOf(answers, null);
  const searchEf = options.searchEf === undefined ? undefined : Math.max(options.searchEf, take);
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

async function completeExactly(
  answers: readonly (Neighbours | null)[],
  parts: FilteredSearchParts,
  queries: Float32Array,
  k: number,
  filter: SegmentFilter,
): Promise<Neighbours[]> {
  const open = positionsOf(answers, null);
  const exact = await searchExactly(parts, rowsOf(queries, open, parts.index.dimension), k, filter);
  return answers.map((answer, position) => answer ?? (exact[open.indexOf(position)] as Neighbours));
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
    ids.forEach((id, row) => {
      for (const [query, kept] of best.entries())
        kept.offer(id, dot(queries, query, vectors, row, dimension));
    });
    afterId = ids.at(-1) as number;
    // Other requests are answered between two batches.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function positionsOf<T>(values: readonly T[], wanted: T): number[] {
  return values.flatMap((value, position) => (value === wanted ? [position] : []));
}

function rowsOf(matrix: Float32Array, rows: readonly number[], dimension: number): Float32Array {
  const chosen = new Float32Array(rows.length * dimension);
  rows.forEach((row, i) => {
    chosen.set(matrix.subarray(row * dimension, (row + 1) * dimension), i * dimension);
  });
  return chosen;
}
