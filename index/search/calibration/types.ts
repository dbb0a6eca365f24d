/** What speaks for a hit, apart from how it ranks among others. */
export interface HitEvidence {
  /** Mean similarity of what matches, less what an unusual speed costs. */
  similarity: number;
  /** Share of the query that matches. */
  coverage: number;
  /** Seconds of the query that match and do not show what is everywhere. */
  matchedSeconds: number;
  /** Of what changes within the match (`changeCorrelation`), [-1, 1]; null where nothing does, or a query has no course of time. */
  changeCorrelation: number | null;
}

/** Calibrations of another format are as good as none: they are fitted anew. */
export const CALIBRATION_FORMAT = 2;

/** How evidence becomes the probability that query and hit share footage. */
export interface Calibration {
  formatVersion: typeof CALIBRATION_FORMAT;
  modelId: string;
  weights: CalibrationWeights;
  /** For hits whose changes cannot be compared. */
  lookWeights: LookWeights;
  /** Score from which a hit is called the same footage; at least 0.5. */
  sameFootageScore: number;
  /** Similarity x coverage from which a hit is called similar. */
  similarFrom: number;
  /** What it was fitted on. */
  videoCount: number;
  queryCount: number;
  positiveCount: number;
  negativeCount: number;
  /** ISO 8601, UTC. */
  fittedAt: string;
  reliability: ReliabilityBin[];
}

/** Of the logistic model, on the features of `lookFeaturesOf`. */
export interface LookWeights {
  bias: number;
  closeness: number;
  coverage: number;
  logSeconds: number;
}

/** The same, with the correlation of changes. */
export interface CalibrationWeights extends LookWeights {
  changeCorrelation: number;
}

/** Hits whose score lies in [from, to): what was promised, and what was so. */
export interface ReliabilityBin {
  from: number;
  to: number;
  count: number;
  /** Null where there is no hit. */
  meanScore: number | null;
  sameFootageShare: number | null;
}

export const VERDICTS = ['same-footage', 'similar', 'none'] as const;
export type Verdict = (typeof VERDICTS)[number];
