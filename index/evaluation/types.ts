/** How queries and their right answers come about. */
export const PROTOCOLS = ['labels'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/**
 * What "nearest" means. `embedding`: cosine of the mean embeddings of two videos, compared exactly, as in the literature;
 * `search`: the order of the product's own search.
 */
export const RANKINGS = ['embedding', 'search'] as const;
export type Ranking = (typeof RANKINGS)[number];

export interface LabelsRequest {
  protocol: 'labels';
  /** Null: the whole library. */
  collection: string | null;
  /** Ascending, distinct. */
  k: number[];
  ranking: Ranking;
  /** Text of a CSV (video, split) that says who asks and who answers; null: every video asks all others. */
  splitCsv: string | null;
  /** Where relative paths of the CSV start; null: only whole paths and ends of paths are known. */
  baseFolder: string | null;
  /** At most so many queries, drawn by `seed`; null: all. */
  maxQueries: number | null;
  /** Of the bootstrap and of what is drawn. */
  seed: number;
  resamples: number;
}

export type EvaluationRequest = LabelsRequest;

/** A mean over queries and its 95 % bootstrap interval; null where there was no query. */
export interface Estimate {
  value: number | null;
  low: number | null;
  high: number | null;
}

export interface RecallAt extends Estimate {
  k: number;
}

/** Something about the input that the user should know. */
export interface EvaluationProblem {
  code: string;
  message: string;
  /** How many there are; `items` names the first thousand. */
  count: number;
  items: string[];
}

/** A video that takes no part, or not all of it. */
export interface LeftOutVideo {
  videoId: number;
  title: string;
  reason: LeftOutReason;
}

export const LEFT_OUT_REASONS = {
  NO_LABEL: 'The video has no label: neither a query nor an answer',
  LABEL_HAS_ONE_VIDEO: 'No other video has its label: no query, since nothing could be right',
  LABEL_NOT_IN_GALLERY: 'No video of the gallery has its label: no query, since nothing could be right',
  DUPLICATE_CONTENT: 'The same content stands in another collection, too: it would find itself',
  NOT_EMBEDDED: 'The video has no segments of this model: index it again',
  NOT_IN_SPLIT: 'The CSV does not name the video',
  NOT_DRAWN: 'Not among the queries that were drawn',
} as const;
export type LeftOutReason = keyof typeof LEFT_OUT_REASONS;

export interface LeftOut {
  count: number;
  byReason: Partial<Record<LeftOutReason, number>>;
  /** The first thousand. */
  videos: LeftOutVideo[];
}

interface ReportBase {
  formatVersion: 1;
  model: { id: string; dimension: number; timesteps: number };
  /** The library as it was. `lastChange` is the number of its last change: equal numbers, equal segments. */
  library: { collection: string | null; videoCount: number; segmentCount: number; lastChange: number };
  elapsedSeconds: number;
  problems: EvaluationProblem[];
}

/** One query of the labels protocol. */
export interface LabelQuery {
  videoId: number;
  title: string;
  label: string;
  /** From 1; null when no video of the label was among those ranked. */
  firstHitRank: number | null;
  averagePrecision: number;
  nearest: { videoId: number; title: string; label: string; similarity: number } | null;
}

export interface LabelFigures {
  label: string;
  queryCount: number;
  galleryCount: number;
  recall: RecallAt[];
  meanAveragePrecision: Estimate;
}

/** Labels of the nearest videos of the queries of one label, the most frequent first. */
export interface ConfusionRow {
  label: string;
  nearest: { label: string; count: number }[];
}

export interface LabelsReport extends ReportBase {
  protocol: 'labels';
  settings: Omit<LabelsRequest, 'splitCsv' | 'baseFolder' | 'protocol' | 'collection'> & {
    queries: 'leave-one-out' | 'split';
    /** Ranked videos that average precision looks at; null: all. */
    rankingDepth: number | null;
    confidence: number;
  };
  queryCount: number;
  galleryCount: number;
  recall: RecallAt[];
  meanAveragePrecision: Estimate;
  perLabel: LabelFigures[];
  confusion: ConfusionRow[];
  leftOut: LeftOut;
  /** The first five thousand. */
  queries: LabelQuery[];
}

export type EvaluationReport = LabelsReport;

/** What a list of evaluations tells of one that is done. */
export interface EvaluationSummary {
  protocol: Protocol;
  modelId: string;
  collection: string | null;
  queryCount: number;
  problemCount: number;
  headline: ({ name: string } & Estimate)[];
}

/** An evaluation as the library keeps it; its id is that of the job that makes it. */
export interface StoredEvaluation {
  id: number;
  request: EvaluationRequest;
  /** Null until it is done. */
  report: EvaluationReport | null;
}
