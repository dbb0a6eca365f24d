import type { Span } from '../span.js';
import type { EditName } from './edits/types.js';

/** How queries and their right answers come about. */
export const PROTOCOLS = ['labels', 'edits', 'pairs', 'ann'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/**
 * What "nearest" means. `embedding`: cosine of the mean embeddings of two videos, compared exactly, as in the literature;
 * `search`: the order of the product's own search.
 */
export const RANKINGS = ['embedding', 'search'] as const;
export type Ranking = (typeof RANKINGS)[number];

interface RequestBase {
  /** An earlier evaluation to compare with, or the report of one (of another library, or by another model). */
  against?: { evaluationId: number } | { report: EvaluationReport } | null | undefined;
  /** Null: the whole library. */
  collection: string | null;
  /** Ascending, distinct. */
  k: number[];
  /** Of the bootstrap and of what is drawn. */
  seed: number;
  resamples: number;
}

export interface LabelsRequest extends RequestBase {
  protocol: 'labels';
  ranking: Ranking;
  /** Text of a CSV (video, split) that says who asks and who answers; null: every video asks all others. */
  splitCsv: string | null;
  /** Where relative paths of the CSV start; null: only whole paths and ends of paths are known. */
  baseFolder: string | null;
  /** At most so many queries, drawn by `seed`; null: all. */
  maxQueries: number | null;
}

export interface PairsRequest extends RequestBase {
  protocol: 'pairs';
  /** Text of a CSV (query, target [, start, end]). */
  pairsCsv: string;
  /** Where relative paths of the CSV start; null: no query is a file by a relative path. */
  baseFolder: string | null;
  /** Real paths of the folders that files which are no videos of the library may lie in; null: anywhere. */
  queryRoots: string[] | null;
}

export interface EditsRequest extends RequestBase {
  protocol: 'edits';
  /** Parts of videos that are cut. */
  partCount: number;
  /** Each part is edited by each of these alone, */
  edits: EditName[];
  /** and by so many pairs of them. */
  pairsPerPart: number;
}

export interface AnnRequest extends Omit<RequestBase, 'k'> {
  protocol: 'ann';
  queryCount: number;
  /** Ascending, distinct. */
  efs: number[];
  targetRecall: number;
}

export type EvaluationRequest = LabelsRequest | EditsRequest | PairsRequest | AnnRequest;

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
  TOO_SHORT: 'The video is shorter than the parts that are cut',
  NOT_DRAWN: 'Not among the queries that were drawn',
} as const;
export type LeftOutReason = keyof typeof LEFT_OUT_REASONS;

export interface LeftOut {
  count: number;
  byReason: Partial<Record<LeftOutReason, number>>;
  /** The first thousand. */
  videos: LeftOutVideo[];
}

/** How far found time ranges are from the true ones: the larger of the errors of start and end. */
export interface TimeFigures {
  /** Queries whose right video came first and whose true range is known. */
  count: number;
  medianSeconds: number | null;
  p90Seconds: number | null;
  /** Share of them with an error of at most so many seconds. */
  within: ({ seconds: number } & Estimate)[];
}

/** One figure on the queries of both evaluations. */
export interface ComparedFigure {
  here: number | null;
  there: number | null;
  /** Here minus there, query by query. */
  difference: Estimate;
}

/** Two models, or two states of a library, on the same queries. */
export interface Comparison {
  against: { evaluationId: number | null; modelId: string };
  queryCount: number;
  /** Queries that only one of them has. */
  onlyHere: number;
  onlyThere: number;
  recall: ({ k: number } & ComparedFigure)[];
  quality: { name: 'meanAveragePrecision' | 'meanReciprocalRank' } & ComparedFigure;
}

interface ReportBase {
  formatVersion: 1;
  model: { id: string; dimension: number; timesteps: number };
  /** The library as it was. `lastChange` is the number of its last change: equal numbers, equal segments. */
  library: { collection: string | null; videoCount: number; segmentCount: number; lastChange: number };
  elapsedSeconds: number;
  problems: EvaluationProblem[];
  queryCount: number;
  /** Null unless it was asked for. */
  comparison: Comparison | null;
}

/** One query of the labels protocol. */
export interface LabelQuery {
  videoId: number;
  contentHash: string;
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
  galleryCount: number;
  recall: RecallAt[];
  meanAveragePrecision: Estimate;
  perLabel: LabelFigures[];
  confusion: ConfusionRow[];
  leftOut: LeftOut;
  /** The first five thousand. */
  queries: LabelQuery[];
}

/** What a search for a known video found. */
export interface TargetOutcome {
  /** Of the target among the hits, from 1; null when it is not among as many as the largest k. */
  rank: number | null;
  /** Of the target's hit. */
  score: number | null;
  /** Where the hit lies in the target. */
  found: Span | null;
  expected: Span | null;
  /** Null unless the target came first and its range is known. */
  errorSeconds: number | null;
}

export interface PairQuery extends TargetOutcome {
  line: number;
  query: string;
  targetVideoId: number;
}

export interface PairsReport extends ReportBase {
  protocol: 'pairs';
  settings: { k: number[]; seed: number; resamples: number; confidence: number };
  recall: RecallAt[];
  meanReciprocalRank: Estimate;
  timeRange: TimeFigures;
  /** The first five thousand. */
  queries: PairQuery[];
}

export interface EditFigures {
  queryCount: number;
  recall: RecallAt[];
  meanReciprocalRank: Estimate;
  timeRange: TimeFigures;
}

/** `single`: single edits but mirror and speed, which are `mirror-and-speed`; `pairs`: two edits at once. */
export interface EditGroup extends EditFigures {
  name: 'single' | 'mirror-and-speed' | 'pairs';
}

/** Parts whose clip was found, and the same clips played backwards. A source that is not found has the score 0. */
export interface BackwardsFigures {
  partCount: number;
  /** Share of the parts of which the clip played backwards scores lower against the source. */
  lower: Estimate;
  /** Score of the clip less that of the clip played backwards. */
  gap: Estimate;
}

export interface EditOutcome extends TargetOutcome {
  videoId: number;
  contentHash: string;
  title: string;
  edits: EditName[];
}

export interface EditsReport extends ReportBase, EditFigures {
  protocol: 'edits';
  settings: {
    k: number[];
    seed: number;
    resamples: number;
    confidence: number;
    partCount: number;
    edits: EditName[];
    pairsPerPart: number;
  };
  groups: EditGroup[];
  /** Null where it was not measured. */
  playedBackwards: BackwardsFigures | null;
  byEdit: ({ edits: string[] } & EditFigures)[];
  leftOut: LeftOut;
  /** The first five thousand. */
  queries: EditOutcome[];
}

export interface AnnLevel {
  ef: number;
  /** Share of the ten exact nearest segments that were found. */
  recall: Estimate;
  p50Ms: number;
  p99Ms: number;
}

export interface AnnReport extends ReportBase {
  protocol: 'ann';
  settings: {
    k: number;
    queryCount: number;
    efs: number[];
    targetRecall: number;
    seed: number;
    resamples: number;
    confidence: number;
  };
  exact: { p50Ms: number | null };
  levels: AnnLevel[];
  /** The least ef that reaches the target; null when none does. */
  chosenEf: number | null;
}

export type EvaluationReport = LabelsReport | EditsReport | PairsReport | AnnReport;

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
