import type { Library } from '../library/types.js';
import type { AlignedHit } from './align-candidates.js';
import { weighMatch } from './boilerplate/weigh-match.js';
import { Calibrations } from './calibration/calibrations.js';
import { probabilityOf, verdictOf } from './calibration/score.js';
import type { Calibration, HitEvidence, Verdict } from './calibration/types.js';
import { changeCorrelation } from './change-correlation.js';

export interface ScoredHit extends AlignedHit, WeighedEvidence {
  /** Probability that query and hit share footage. */
  score: number;
  verdict: Verdict;
}

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
/** What a match that is only boilerplate keeps of its score. */
const BOILERPLATE_SCORE_SHARE = 0.25;

export function evidenceOfHit({ alignment, field }: AlignedHit): WeighedEvidence {
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

/** Each hit by the calibration of its collection; the most probable first. */
export async function scoreHits(
  { library, modelId }: { library: Library; modelId: string },
  hits: readonly AlignedHit[],
): Promise<ScoredHit[]> {
  const calibrations = new Calibrations(library, modelId);
  const scored: ScoredHit[] = [];
  for (const hit of hits) {
    const calibration = await calibrations.of(hit.video.collection);
    const weighed = evidenceOfHit(hit);
    const probability = probabilityOf(calibration, weighed.evidence);
    const score = weighed.isOnlyBoilerplate ? BOILERPLATE_SCORE_SHARE * probability : probability;
    scored.push({ ...hit, ...weighed, score, verdict: verdictOfHit(calibration, score, weighed) });
  }
  return scored.sort((a, b) => b.score - a.score || a.video.id - b.video.id);
}

/** What only shares boilerplate with the query is similar to it, and never the same footage. */
function verdictOfHit(
  calibration: Calibration,
  score: number,
  { evidence, isOnlyBoilerplate }: WeighedEvidence,
): Verdict {
  if (!isOnlyBoilerplate) return verdictOf(calibration, score, evidence);
  return evidence.similarity >= calibration.similarFrom ? 'similar' : 'none';
}
