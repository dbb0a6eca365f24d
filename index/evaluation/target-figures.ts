import type { SearchHit } from '../search/types.js';
import type { Span } from '../span.js';
import { type BootstrapOptions, bootstrapMeans } from './bootstrap.js';
import { countsAt } from './retrieval-metrics.js';
import { rangeError, timeFiguresOf } from './time-figures.js';
import type { Estimate, RecallAt, TargetOutcome, TimeFigures } from './types.js';

/** What the hits of a search, best first, say about the video that is right. */
export function targetOutcome(
  hits: readonly SearchHit[],
  isTarget: (videoId: number) => boolean,
  expected: Span | null,
): TargetOutcome {
  const position = hits.findIndex(({ video }) => isTarget(video.id));
  const hit = hits[position];
  if (!hit) return { rank: null, score: null, found: null, expected, errorSeconds: null };
  const found = { startSeconds: hit.startSeconds, endSeconds: hit.endSeconds };
  const errorSeconds =
    expected && position === 0 ? Math.round(1000 * rangeError(found, expected)) / 1000 : null;
  return { rank: position + 1, score: hit.score, found, expected, errorSeconds };
}

export interface TargetFigures {
  recall: RecallAt[];
  meanReciprocalRank: Estimate;
  timeRange: TimeFigures;
}

/** @param groupOf the origin of a query, with which its interval goes (`bootstrapMeans`); each its own unless told */
export async function targetFigures<T extends TargetOutcome>(
  outcomes: readonly T[],
  ks: readonly number[],
  options: BootstrapOptions,
  groupOf?: (outcome: T) => string,
): Promise<TargetFigures> {
  const grouped = (some: readonly T[]) => ({ ...options, groups: groupOf && some.map(groupOf) });
  const estimates = await bootstrapMeans(
    [
      ...ks.map((k) => outcomes.map(({ rank }) => countsAt(rank, k))),
      outcomes.map(({ rank }) => (rank === null ? 0 : 1 / rank)),
    ],
    grouped(outcomes),
  );
  const placed = outcomes.filter(({ errorSeconds }) => errorSeconds !== null);
  return {
    recall: ks.map((k, i) => ({ k, ...(estimates[i] as Estimate) })),
    meanReciprocalRank: estimates[ks.length] as Estimate,
    timeRange: await timeFiguresOf(
      placed.map(({ errorSeconds }) => errorSeconds as number),
      grouped(placed),
    ),
  };
}
