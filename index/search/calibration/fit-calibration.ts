import { quantile } from '../../evaluation/bootstrap.js';
import { defaultCalibration } from './default-calibration.js';
import { fitLogistic } from './fit-logistic.js';
import { featuresOf, hasChanges, lookFeaturesOf, probabilityOf, weightsInOrder } from './score.js';
import {
  CALIBRATION_FORMAT,
  type Calibration,
  type CalibrationWeights,
  type HitEvidence,
  type LookWeights,
  type ReliabilityBin,
} from './types.js';

/** What one edited query found: its source, and other videos. */
export interface CalibrationQuery {
  /** The best hit in the source, at the right time; null when it was not found there. */
  source: HitEvidence | null;
  /** Hits in videos that do not share its footage. */
  others: HitEvidence[];
}

/** However much of a collection consists of edits of one another, which count as other footage here: a surer hit than this is called so. */
const HIGHEST_THRESHOLD = 0.9;
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
  const fitted = fitWeights(samples, input.modelId);
  return {
    formatVersion: CALIBRATION_FORMAT,
    modelId: input.modelId,
    ...fitted,
    sameFootageScore: sameFootageScore(fitted, queries),
    similarFrom: similarFrom(queries),
    videoCount: input.videoCount,
    queryCount: queries.length,
    positiveCount: samples.filter(({ target }) => target === 1).length,
    negativeCount: samples.filter(({ target }) => target === 0).length,
    fittedAt: input.fittedAt,
    reliability: reliabilityOf(
      samples.map(({ evidence, target }) => ({
        score: probabilityOf(fitted, evidence),
        sameFootage: target === 1,
      })),
    ),
  };
}

type Weights = Pick<Calibration, 'weights' | 'lookWeights'>;

/** How much more samples than one must say so before a weight is far from what came with the encoder; the bias is as free as can be. */
const RIDGE = 3;
const BIAS_RIDGE = 0.01;

function fitWeights(samples: readonly { evidence: HitEvidence; target: number }[], modelId: string): Weights {
  const usual = defaultCalibration(modelId);
  const changing = samples.flatMap(({ evidence, target }) =>
    hasChanges(evidence) ? [{ features: featuresOf(evidence), target }] : [],
  );
  const all = samples.map(({ evidence, target }) => ({ features: lookFeaturesOf(evidence), target }));
  return {
    weights: toWeights(fitAbout(weightsInOrder(usual.weights), changing)) as CalibrationWeights,
    lookWeights: toWeights(fitAbout(weightsInOrder(usual.lookWeights), all)),
  };
}

function fitAbout(
  usual: readonly number[],
  samples: readonly { features: number[]; target: number }[],
): number[] {
  return fitLogistic(
    samples.map(({ features }) => features),
    samples.map(({ target }) => target),
    { weights: usual, ridges: usual.map((_, i) => (i === 0 ? BIAS_RIDGE : RIDGE)) },
  );
}

function toWeights([bias, closeness, coverage, logSeconds, correlation]: readonly number[]):
  | LookWeights
  | CalibrationWeights {
  const look = { bias, closeness, coverage, logSeconds } as LookWeights;
  return correlation === undefined ? look : { ...look, changeCorrelation: correlation };
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
function sameFootageScore(fitted: Weights, queries: readonly CalibrationQuery[]): number {
  const best = queries
    .filter(({ others }) => others.length > 0)
    .map(({ others }) => Math.max(...others.map((evidence) => probabilityOf(fitted, evidence))));
  return Math.min(HIGHEST_THRESHOLD, Math.max(0.5, quantileOf(best, 1 - FALSE_ALARM_SHARE)));
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
