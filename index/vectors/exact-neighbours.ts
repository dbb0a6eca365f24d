import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Library } from '../library/types.js';
import { dot } from './dot.js';
import { TopK } from './top-k.js';
import type { Neighbours } from './types.js';

const ROWS_PER_PAGE = 1024;
/** Comparisons between two turns of the event loop: a few milliseconds. */
const COMPARISONS_PER_TURN = 16_384;

/**
 * The k nearest of all segments of a model, by reading every embedding from the library: what an approximate index is
 * measured against. Other work goes on in between. Throws the reason of an aborted signal.
 */
export async function exactNeighbours(input: {
  library: Library;
  modelId: string;
  dimension: number;
  /** [queryCount, dimension], unit-norm */
  queries: Float32Array;
  k: number;
  signal?: AbortSignal | undefined;
}): Promise<Neighbours[]> {
  const { library, modelId, dimension, queries, signal } = input;
  const best = Array.from({ length: queries.length / dimension }, () => new TopK(input.k));
  let compared = 0;
  for (let afterId = 0; ; ) {
    const { ids, vectors } = await library.readVectors(modelId, afterId, ROWS_PER_PAGE);
    if (ids.length === 0) return best.map((kept) => kept.take());
    afterId = ids.at(-1) as number;
    for (const [query, kept] of best.entries()) {
      for (let row = 0; row < ids.length; row += 1) {
        kept.offer(ids[row] as number, dot(queries, query, vectors, row, dimension));
      }
      compared += ids.length;
      if (compared < COMPARISONS_PER_TURN) continue;
      compared = 0;
      await nextTurn();
      signal?.throwIfAborted();
    }
  }
}

/** What float32 leaves between two ways of computing the same cosine. */
const SAME_SIMILARITY = 1e-5;

/** Share of the exact neighbours that were found: those found count that are as near as the farthest exact one, so that ties cost nothing. */
export function neighbourRecall(found: Neighbours, exact: Neighbours): number {
  const farthest = exact.similarities.at(-1);
  if (farthest === undefined) return 1;
  const right = found.similarities
    .slice(0, exact.similarities.length)
    .filter((similarity) => similarity >= farthest - SAME_SIMILARITY);
  return right.length / exact.similarities.length;
}
