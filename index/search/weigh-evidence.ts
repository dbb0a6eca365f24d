import type { Alignment } from './alignment.js';
import { weighMatch } from './boilerplate/weigh-match.js';
import type { HitEvidence } from './calibration/types.js';
import { changeCorrelation } from './change-correlation.js';
import type { SimilarityField } from './similarity-field.js';

/** What an unusual speed costs, in similarity: with a free choice of the speed, some part of any similar video fits better than it should. */
const SPEED_COST = 0.008;
const SPEED_COST_PER_OCTAVE = 0.05;

/** What speaks for a hit, and how much of it shows what stands everywhere. */
export interface WeighedEvidence {
  evidence: HitEvidence;
  /** Share of the matching seconds, [0, 1]. */
  boilerplateShare: number;
  /** Nothing but boilerplate matches, or next to nothing. */
  isOnlyBoilerplate: boolean;
}

/** What must match beside boilerplate for a hit to be more than that. */
const LEAST_OWN_SECONDS = 0.5;

export function weighEvidence(field: SimilarityField, alignment: Alignment): WeighedEvidence {
  const seconds = field.querySeconds;
  const speedCost =
    alignment.speed === 1 ? 0 : SPEED_COST + SPEED_COST_PER_OCTAVE * Math.abs(Math.log2(alignment.speed));
  const weighed = weighMatch(field, alignment);
  const correlation = changeCorrelation(field, alignment);
  if (weighed === null) {
    const evidence = {
      similarity: Math.max(0, alignment.similarity - speedCost),
      coverage: Math.min(1, alignment.matchedSeconds / seconds),
      matchedSeconds: alignment.matchedSeconds,
      changeCorrelation: correlation,
    };
    return { evidence, boilerplateShare: 0, isOnlyBoilerplate: false };
  }
  const { boilerplateShare } = weighed;
  return {
    evidence: {
      similarity: Math.min(1, Math.max(0, weighed.similarity - speedCost)),
      coverage: weighed.coverage,
      matchedSeconds: weighed.seconds,
      changeCorrelation: correlation,
    },
    boilerplateShare,
    isOnlyBoilerplate: boilerplateShare > 0 && weighed.seconds < LEAST_OWN_SECONDS,
  };
}
