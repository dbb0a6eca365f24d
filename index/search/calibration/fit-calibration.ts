import { quantile } from '../../evaluation/bootstrap.js';
import { fitLogistic } from './fit-logistic.js';
import { featuresOf, probabilityOf } from './score.js';
import type { Calibration, CalibrationWeights, HitEvidence, ReliabilityBin } from './types.js';

/** What one edited query found: its source, and other videos. */
export interface CalibrationQuery {
  /** The best hit in the source, at the right time; null when it was not found there. */
  source: HitEvidence | null;
  /** Hits in videos that do not share its footage. */
  others: HitEvidence[];
}

/** Of queries that have no source in the library, so many may be called the same footage (half of what is promised). */
const FALSE_ALARM_SHARE = 0.01;
/** Of videos, so many have another video that is at least similar. */
const SIMILAR_QUANTILE = 0.25;
const BINS = 10;

export function fitCalibration(input: {
  modelId: string;
  videoCount: number;
  queries: readonly CalibrationQuery[];
  fittedAt: string;
}): Calibration {
  const { queries } = input;
  const samples = queries.flatMap(({ source, others }) => [
    ...(source ? [{ evidence: source, target: 1 }] : []),
    ...others.map((evidence) => ({ evidence, target: 0 })),
  ]);
  const [bias, closeness, coverage, logSeconds] = fitLogistic(
    samples.map(({ evidence }) => featuresOf(evidence)),
    samples.map(({ target }) => target),
  ) as [number, number, number, number];
  const weights = { bias, closeness, coverage, logSeconds };
  return {
    formatVersion: 1,
    modelId: input.modelId,
    weights,
    sameFootageScore: sameFootageScore(weights, queries),
    similarFrom: similarFrom(queries),
    videoCount: input.videoCount,
    queryCount: queries.length,
    positiveCount: samples.filter(({ target }) => target === 1).length,
    negativeCount: samples.filter(({ target }) => target === 0).length,
    fittedAt: input.fittedAt,
    reliability: reliabilityOf(
      samples.map(({ evidence, target }) => ({
        score: probabilityOf(weights, evidence),
        sameFootage: target === 1,
      })),
    ),
  };
}

/** Shares of true hits by score, in ten bins. */
export function reliabilityOf(hits: readonly { score: number; sameFootage: boolean }[]): ReliabilityBin[] {
  return Array.from({ length: BINS }, (_, bin) => {
    const inside = hits.filter(({ score }) => Math.min(BINS - 1, Math.floor(score * BINS)) === bin);
    const mean = (values: number[]) =>
      values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
    return {
      from: bin / BINS,
      to: (bin + 1) / BINS,
      count: inside.length,
      meanScore: mean(inside.map(({ score }) => score)),
      sameFootageShare: mean(inside.map(({ sameFootage }) => (sameFootage ? 1 : 0))),
    };
  });
}

/** Without its source, a query's best hit is what a query would find that has none. */
function sameFootageScore(weights: CalibrationWeights, queries: readonly CalibrationQuery[]): number {
  const best = queries
    .filter(({ others }) => others.length > 0)
    .map(({ others }) => Math.max(...others.map((evidence) => probabilityOf(weights, evidence))));
  return Math.max(0.5, quantileOf(best, 1 - FALSE_ALARM_SHARE));
}

function similarFrom(queries: readonly CalibrationQuery[]): number {
  const best = queries
    .filter(({ others }) => others.length > 0)
    .map(({ others }) => Math.max(...others.map(({ similarity, coverage }) => similarity * coverage)));
  return quantileOf(best, SIMILAR_QUANTILE);
}

/** 0 without values. */
function quantileOf(values: readonly number[], share: number): number {
  return values.length === 0
    ? 0
    : quantile(
        [...values].sort((a, b) => a - b),
        share,
      );
}
