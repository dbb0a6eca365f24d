import type { Calibration, CalibrationWeights, HitEvidence, Verdict } from './types.js';

/** Keeps the closeness of an exact copy finite, and about where that of a light re-encoding lies. */
const CLOSENESS_FLOOR = 0.02;
/** Below this much footage nothing can be told. */
const LEAST_SECONDS = 0.05;

/** The features of the logistic model: [1, closeness, coverage, logSeconds]. */
export function featuresOf({ similarity, coverage, matchedSeconds }: HitEvidence): number[] {
  // 0.98 says much more than 0.95, but 0.63 hardly more than 0.6.
  const closeness = -Math.log(1 + CLOSENESS_FLOOR - Math.min(1, similarity));
  return [1, closeness, coverage, Math.log(Math.max(LEAST_SECONDS, matchedSeconds))];
}

/** Probability that query and hit share footage. */
export function probabilityOf(weights: CalibrationWeights, evidence: HitEvidence): number {
  const [one, closeness, coverage, logSeconds] = featuresOf(evidence) as [number, number, number, number];
  return sigmoid(
    weights.bias * one +
      weights.closeness * closeness +
      weights.coverage * coverage +
      weights.logSeconds * logSeconds,
  );
}

export function verdictOf(calibration: Calibration, score: number, evidence: HitEvidence): Verdict {
  if (score >= calibration.sameFootageScore) return 'same-footage';
  return evidence.similarity * evidence.coverage >= calibration.similarFrom ? 'similar' : 'none';
}

export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
