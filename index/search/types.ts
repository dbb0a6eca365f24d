export type SearchQuery =
  | { kind: 'file'; filePath: string; startSeconds?: number | undefined; endSeconds?: number | undefined }
  | { kind: 'video'; videoId: number; startSeconds?: number | undefined; endSeconds?: number | undefined };

export interface SearchRequest {
  query: SearchQuery;
  /** 1-200. */
  k: number;
  collection?: string | undefined;
  /** In one of these; everywhere when it is not given. */
  collections?: readonly string[] | undefined;
  label?: string | undefined;
  /** Hits a video may have; 1 by default. */
  perVideo?: number | undefined;
  /** Leaves out the stored video that the query was taken from. */
  excludeSelf?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

/** A range of a stored video that matches a range of the query. Seconds, half-open. */
export interface SearchHit {
  video: { id: number; title: string; collection: string; label: string | null; durationSeconds: number };
  /** [0, 1]; 1 = the same footage. */
  score: number;
  startSeconds: number;
  endSeconds: number;
  queryStartSeconds: number;
  queryEndSeconds: number;
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
  model: { id: string; dimension: number };
  timings: SearchTimings;
  /** What a user should know of this answer, e.g. that an outdated ffmpeg decoded the upload. */
  warnings: { code: string; message: string }[];
}

export interface Searcher {
  search(request: SearchRequest): Promise<SearchAnswer>;
}
