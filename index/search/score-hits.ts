import type { Library } from '../library/types.js';
import type { AlignedHit } from './align-candidates.js';
import { Calibrations } from './calibration/calibrations.js';
import { probabilityOf, verdictOf } from './calibration/score.js';
import type { HitEvidence, Verdict } from './calibration/types.js';

export interface ScoredHit extends AlignedHit {
  evidence: HitEvidence;
  /** Probability that query and hit share footage. */
  score: number;
  verdict: Verdict;
}

/** What an unusual speed costs, in similarity: with a free choice of the speed, some part of any similar video fits better than it should. */
const SPEED_COST = 0.008;
const SPEED_COST_PER_OCTAVE = 0.05;

export function evidenceOfHit({ alignment, field }: AlignedHit): HitEvidence {
  const seconds = field.query.endSeconds - field.query.startSeconds;
  const speedCost =
    alignment.speed === 1 ? 0 : SPEED_COST + SPEED_COST_PER_OCTAVE * Math.abs(Math.log2(alignment.speed));
  return {
    similarity: Math.max(0, alignment.similarity - speedCost),
    coverage: Math.min(1, alignment.matchedSeconds / seconds),
    matchedSeconds: alignment.matchedSeconds,
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
    const evidence = evidenceOfHit(hit);
    const score = probabilityOf(calibration.weights, evidence);
    scored.push({ ...hit, evidence, score, verdict: verdictOf(calibration, score, evidence) });
  }
  return scored.sort((a, b) => b.score - a.score || a.video.id - b.video.id);
}
