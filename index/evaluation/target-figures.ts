import type { SearchHit } from '../search/types.js';
import type { Span } from '../span.js';
import { bootstrapMeans } from './bootstrap.js';
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

export async function targetFigures(
  outcomes: readonly TargetOutcome[],
  ks: readonly number[],
  options: { resamples: number; seed: number },
): Promise<TargetFigures> {
  const estimates = await bootstrapMeans(
    [
      ...ks.map((k) => outcomes.map(({ rank }) => countsAt(rank, k))),
      outcomes.map(({ rank }) => (rank === null ? 0 : 1 / rank)),
    ],
    options,
  );
  return {
    recall: ks.map((k, i) => ({ k, ...(estimates[i] as Estimate) })),
    meanReciprocalRank: estimates[ks.length] as Estimate,
    timeRange: await timeFiguresOf(
      outcomes.flatMap(({ errorSeconds }) => (errorSeconds === null ? [] : [errorSeconds])),
      options,
    ),
  };
}
