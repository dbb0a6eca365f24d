import type { Segment } from '../../library/types.js';
import type { Neighbours } from '../../vectors/types.js';
import { EVERYWHERE_WEIGHT } from './types.js';

/** Videos that are asked what a clip of the query shows: those of its nearest segments. */
const VOTERS = 5;
const LEAST_VOTERS = 3;
const MAJORITY = 0.8;
/** How much less similar than the nearest a segment may be to be asked. */
const REACH = 0.05;
/** An edited ident is still so similar to the ident; what is less so shows something else. */
const LEAST_SIMILARITY = 0.8;

/**
 * What each clip of a query counts for, [clips]: nothing where its nearest segments, of several videos, are known to stand everywhere. The
 * nearest are asked, not a threshold, because an edit makes the ident of the query as unlike the ident of the library as the rest.
 */
export function weightsByNeighbours(
  neighbours: readonly Neighbours[],
  segments: ReadonlyMap<number, Segment>,
): Float64Array {
  return Float64Array.from(neighbours, (found) =>
    showsBoilerplate(found, segments) ? EVERYWHERE_WEIGHT : 1,
  );
}

function showsBoilerplate(
  { ids, similarities }: Neighbours,
  segments: ReadonlyMap<number, Segment>,
): boolean {
  const least = Math.max(LEAST_SIMILARITY, (similarities[0] ?? 0) - REACH);
  const voters = new Map<number, boolean>();
  for (const [rank, id] of ids.entries()) {
    if (voters.size === VOTERS || (similarities[rank] as number) < least) break;
    const segment = segments.get(id);
    if (!segment || voters.has(segment.videoId)) continue;
    voters.set(segment.videoId, segment.weight === EVERYWHERE_WEIGHT);
  }
  const inFavour = [...voters.values()].filter(Boolean).length;
  return voters.size >= LEAST_VOTERS && inFavour >= MAJORITY * voters.size;
}
