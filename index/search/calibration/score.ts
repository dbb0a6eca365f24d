import type { Calibration, CalibrationWeights, HitEvidence, LookWeights, Verdict } from './types.js';

/** Keeps the closeness of an exact copy finite, and about where that of a light re-encoding lies. */
const CLOSENESS_FLOOR = 0.02;
/** Below this much footage nothing can be told. */
const LEAST_SECONDS = 0.05;

/** What speaks for a hit apart from its changes: [1, closeness, coverage, logSeconds]. */
export function lookFeaturesOf({
  similarity,
  coverage,
  matchedSeconds,
}: Omit<HitEvidence, 'changeCorrelation'>): number[] {
  // 0.98 says much more than 0.95, but 0.63 hardly more than 0.6.
  const closeness = -Math.log(1 + CLOSENESS_FLOOR - Math.min(1, similarity));
  return [1, closeness, coverage, Math.log(Math.max(LEAST_SECONDS, matchedSeconds))];
}

/** The same and the correlation of changes. */
export function featuresOf(evidence: HitEvidence & { changeCorrelation: number }): number[] {
  return [...lookFeaturesOf(evidence), evidence.changeCorrelation];
}

export function hasChanges(evidence: HitEvidence): evidence is HitEvidence & { changeCorrelation: number } {
  return evidence.changeCorrelation !== null;
}

/** In the order of the features. */
export function weightsInOrder(weights: LookWeights | CalibrationWeights): number[] {
  const { bias, closeness, coverage, logSeconds } = weights;
  const look = [bias, closeness, coverage, logSeconds];
  return 'changeCorrelation' in weights ? [...look, weights.changeCorrelation] : look;
}

/** Probability that query and hit share footage. */
export function probabilityOf(
  { weights, lookWeights }: Pick<Calibration, 'weights' | 'lookWeights'>,
  evidence: HitEvidence,
): number {
  const [features, all] = hasChanges(evidence)
    ? [featuresOf(evidence), weightsInOrder(weights)]
    : [lookFeaturesOf(evidence), weightsInOrder(lookWeights)];
  return sigmoid(features.reduce((sum, feature, i) => sum + feature * (all[i] as number), 0));
}

export function verdictOf(calibration: Calibration, score: number, evidence: HitEvidence): Verdict {
  if (score >= calibration.sameFootageScore) return 'same-footage';
  return evidence.similarity * evidence.coverage >= calibration.similarFrom ? 'similar' : 'none';
}

export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
