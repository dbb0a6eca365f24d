import type { Library } from '../library/types.js';
import type { AlignedHit } from './align-candidates.js';
import { Calibrations } from './calibration/calibrations.js';
import { probabilityOf, verdictOf } from './calibration/score.js';
import type { Calibration, Verdict } from './calibration/types.js';
import type { WeighedEvidence } from './weigh-evidence.js';

export interface ScoredHit extends AlignedHit {
  /** Probability that query and hit share footage. */
  score: number;
  verdict: Verdict;
}

/** What a match that is only boilerplate keeps of its score. */
const BOILERPLATE_SCORE_SHARE = 0.25;

/** Each hit by the calibration of its collection; the most probable first. */
export async function scoreHits(
  { library, modelId }: { library: Library; modelId: string },
  hits: readonly AlignedHit[],
): Promise<ScoredHit[]> {
  const calibrations = new Calibrations(library, modelId);
  const scored: ScoredHit[] = [];
  for (const hit of hits) {
    const calibration = await calibrations.of(hit.video.collection);
    const probability = probabilityOf(calibration, hit.evidence);
    const score = hit.isOnlyBoilerplate ? BOILERPLATE_SCORE_SHARE * probability : probability;
    scored.push({ ...hit, score, verdict: verdictOfHit(calibration, score, hit) });
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
