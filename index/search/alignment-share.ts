import type { Alignment } from './alignment.js';
import type { ClipTrack } from './clip-track.js';
import type { ClipShape } from './embedded-query.js';
import type { SearchExplanation } from './types.js';
import type { WeighedEvidence } from './weigh-evidence.js';

/** What of a query its alignment needs. */
export interface AlignedQuery {
  /** The query as it is comes first. */
  variants: { track: ClipTrack; mirrored: boolean }[];
  /** Moments at which the picture changes at once, ascending. */
  cutsSeconds: number[];
}

/** A video that may hold the query, and at which offsets. */
export interface ShareCandidate {
  videoId: number;
  durationSeconds: number;
  offsetsSeconds: number[];
}

export interface ShareRequest {
  modelId: string;
  shape: ClipShape;
  query: AlignedQuery;
  candidates: ShareCandidate[];
  perVideo: number;
  explain: boolean;
}

/** Similarities from which query and video are taken to show the same, and down to which a match goes on. */
export interface MatchThresholds {
  threshold: number;
  edgeThreshold: number;
}

/** The best place of a candidate so far. */
export interface Standing {
  /** Similarity of what matches, times the share of the query that does, [0, 1]. */
  score: number;
  /** Sum of (similarity - threshold) x seconds. */
  evidence: number;
}

/** A place in a candidate where the query may come from. */
export interface SharedHit extends WeighedEvidence {
  alignment: Alignment;
  mirrored: boolean;
  /** Null unless it was asked for. */
  explanation: SearchExplanation | null;
}

/**
 * Some of a search's candidates, which are aligned where this share is: on the thread of the search, or on one of its own. Candidates go by their position
 * in the request. The steps are taken once each, in this order, because each needs to know something of all candidates; coarse scores only where not all
 * candidates are aligned. CANCELLED where the search was cancelled meanwhile.
 */
export interface AlignmentShare {
  /** Reads the candidates. Of each of the query's clips, the similarity to the nearest clip of all of them; empty without candidates. */
  compare(): Promise<number[]>;
  /** What each candidate's score may come to, from whole clips alone. */
  coarseScores(edgeThreshold: number): Promise<number[]>;
  /** Aligns some candidates at the speed of the video; where each of them stands. */
  align(chosen: readonly number[], thresholds: MatchThresholds): Promise<Standing[]>;
  /** Tries other speeds for some candidates, unless they cannot get beyond `mostEvidence`; then the hits of each candidate that was aligned, best first. */
  finish(retried: readonly Retried[], mostEvidence: number): Promise<SharedHit[][]>;
  /** Whatever was reached; what is under way is cancelled. */
  close(): void;
}

export interface Retried {
  candidate: number;
  /** Even where it cannot get beyond the most evidence. */
  always: boolean;
}

/** Deals the candidates of a search out to shares. */
export interface Aligner {
  /** One or more shares, and of each which candidates it has, by their position in the request. */
  share(
    request: ShareRequest,
    signal: AbortSignal | undefined,
  ): { share: AlignmentShare; positions: number[] }[];
}
