import type { VideoFilter } from '../library/video-filter.js';
import type { HitEvidence, Verdict } from './calibration/types.js';

export type SearchQuery =
  | { kind: 'file'; filePath: string; startSeconds?: number | undefined; endSeconds?: number | undefined }
  | { kind: 'video'; videoId: number; startSeconds?: number | undefined; endSeconds?: number | undefined }
  /** One for each clip, of any norm; of the model that the library is searched by. */
  | { kind: 'embeddings'; modelId: string; embeddings: readonly (readonly number[])[] }
  /** More like these videos, less like those. */
  | { kind: 'examples'; like: readonly number[]; unlike: readonly number[] };

export interface SearchRequest extends VideoFilter {
  query: SearchQuery;
  /** 1-200. */
  k: number;
  /** Hits a video may have; 1 by default. */
  perVideo?: number | undefined;
  /** Leaves out the stored video that the query was taken from. */
  excludeSelf?: boolean | undefined;
  /** Adds to each hit what the alignment saw. */
  explain?: boolean | undefined;
  /** Leaves out hits with a lower score; 0 by default. */
  minScore?: number | undefined;
  /** `duplicates`: of hits that show the same footage, only the best; the others go along with it. */
  collapse?: 'duplicates' | undefined;
  /** `nextCursor` of the page before. */
  cursor?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** A stretch of the video and the stretch of the query that lies on it. Seconds, half-open. */
export interface HitPart {
  startSeconds: number;
  endSeconds: number;
  queryStartSeconds: number;
  queryEndSeconds: number;
}

/** A range of a stored video that matches a range of the query. Seconds, half-open. */
export interface SearchHit extends HitPart {
  video: { id: number; title: string; collection: string; label: string | null; durationSeconds: number };
  /** Probability that query and hit share footage, [0, 1]. */
  score: number;
  /** `same-footage` from a score on that hardly any query reaches that has no source in the library; `similar`: looks and moves like it. */
  verdict: Verdict;
  evidence: HitEvidence;
  /** Share of the matching seconds that show boilerplate, [0, 1]: black, stills, what stands in many videos. */
  boilerplate: number;
  /** Seconds of the video that pass in one second of the query, 0.5 to 2. */
  speed: number;
  /** True when the mirror image of the query fits clearly better. Never of a stored video, of which there are no pixels to turn. */
  mirrored: boolean;
  /** In order of time; more than one where the query leaves out something in between. */
  parts: HitPart[];
  /** Null unless it was asked for. */
  explanation: SearchExplanation | null;
  /** Hits that show the same footage, best first; only where they were collapsed. */
  duplicates?: SearchHit[];
}

/** What the alignment saw. */
export interface SearchExplanation {
  clipSeconds: number;
  /** Where each clip of the query, and each clip of the video that was looked at, starts. */
  queryStartsSeconds: number[];
  videoStartsSeconds: number[];
  /** Cosines, a row for each clip of the query, a column for each of the video. */
  similarities: number[][];
  /** What a second of each clip counts for: 1, less where it shows boilerplate. */
  queryWeights: number[];
  videoWeights: number[];
  /** Corners of the path: two for each part. */
  path: { querySeconds: number; videoSeconds: number }[];
}

export interface SearchTimings {
  decodeMs: number;
  encodeMs: number;
  searchMs: number;
  totalMs: number;
}

export interface SearchAnswer {
  /** Best first. */
  hits: SearchHit[];
  /** Of the best hit; `none` when there is no hit. */
  verdict: Verdict;
  /** For the next page; null on the last one. */
  nextCursor: string | null;
  model: { id: string; dimension: number };
  timings: SearchTimings;
  /** What a user should know of this answer, e.g. that an outdated ffmpeg decoded the upload. */
  warnings: { code: string; message: string }[];
  /** Share of the exact nearest segments that searches of late have found; null or absent where that is not measured. */
  annRecall?: number | null | undefined;
}

export interface Searcher {
  search(request: SearchRequest): Promise<SearchAnswer>;
}
