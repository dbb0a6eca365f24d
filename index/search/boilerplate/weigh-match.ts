import type { AlignedPart } from '../alignment.js';
import type { SimilarityField } from '../similarity-field.js';

/** What a match is worth when what stands everywhere is taken off. */
export interface WeighedMatch {
  /** Share of the matching seconds that show boilerplate, [0, 1]. */
  boilerplateShare: number;
  /** Seconds of the query that match, each by its weight. */
  seconds: number;
  /** Share of what there is of the query, by weight, that matches; 0 of a query that is nothing but boilerplate. */
  coverage: number;
  /** Mean similarity of the match, by weight; of all of it where nothing else matches. */
  similarity: number;
}

/** A clip that is half an ident looks like neither: what it says of the footage beside the ident is hardly heard where purer clips speak. */
const OWN_SHARE_POWER = 4;
/** Below this weight in all, a query shows nothing of its own. */
const LEAST_QUERY_SECONDS = 0.25;

/** Null when neither the query nor the video shows boilerplate there: then the match is worth what it is. */
export function weighMatch(
  field: SimilarityField,
  { parts, speed }: { parts: readonly AlignedPart[]; speed: number },
): WeighedMatch | null {
  if (!field.hasBoilerplate) return null;
  let [all, weighed, boilerplate, similarity] = [0, 0, 0, 0];
  let [trust, trusted] = [0, 0];
  for (const { query, video } of parts) {
    const line = { offsetSeconds: video.startSeconds - speed * query.startSeconds, speed };
    for (const point of pointsIn(field, line, query.startSeconds, query.endSeconds)) {
      all += point.seconds;
      weighed += point.weight * point.seconds;
      if (point.weight < 1) boilerplate += point.seconds;
      similarity += point.similarity * point.seconds;
      const share = point.weight * point.seconds * point.ownShare ** OWN_SHARE_POWER;
      trust += share;
      trusted += share * point.similarity;
    }
  }
  if (all === 0 || boilerplate === 0) {
    // The rest of the query may still be: then it is not missed.
    return all === 0 || field.queryWeightSeconds === field.querySeconds
      ? null
      : {
          boilerplateShare: 0,
          seconds: all,
          coverage: coverageOf(field, all),
          similarity: trust > 0 ? trusted / trust : similarity / all,
        };
  }
  return {
    boilerplateShare: boilerplate / all,
    seconds: weighed,
    coverage: coverageOf(field, weighed),
    similarity: trust > 0 ? trusted / trust : similarity / all,
  };
}

function coverageOf({ queryWeightSeconds }: SimilarityField, weighed: number): number {
  return queryWeightSeconds < LEAST_QUERY_SECONDS ? 0 : Math.min(1, weighed / queryWeightSeconds);
}

interface WeightedPoint {
  seconds: number;
  weight: number;
  similarity: number;
  ownShare: number;
}

/** The points of a line within [startSeconds, endSeconds) of the query, each standing for what is nearer to it than to its neighbours. */
function pointsIn(
  field: SimilarityField,
  line: { offsetSeconds: number; speed: number },
  startSeconds: number,
  endSeconds: number,
): WeightedPoint[] {
  const found: (Omit<WeightedPoint, 'seconds'> & { at: number })[] = [];
  field.along(line, (at, _similarity, weight, similarity, ownShare) => {
    if (at >= startSeconds && at < endSeconds) found.push({ at, weight, similarity, ownShare });
  });
  return found.map(({ at, ...point }, i) => {
    const [before, after] = [found[i - 1], found[i + 1]];
    const from = before ? (before.at + at) / 2 : startSeconds;
    const to = after ? (at + after.at) / 2 : endSeconds;
    return { seconds: to - from, ...point };
  });
}
