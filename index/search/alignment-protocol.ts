import type { CallOf } from '../threads/call-protocol.js';
import type { DataFolder } from '../types.js';
import type { MatchThresholds, Retried, SharedHit, ShareRequest, Standing } from './alignment-share.js';

/** Steps of an `AlignmentShare` by its number, which the caller gives it; `begin` comes first, `finish` last, and `drop` forgets it whatever is under way. */
export interface AlignmentCalls {
  begin: { ask: { share: number; request: ShareRequest }; answer: number[] };
  coarseScores: { ask: { share: number; edgeThreshold: number }; answer: number[] };
  align: {
    ask: { share: number; chosen: readonly number[]; thresholds: MatchThresholds };
    answer: Standing[];
  };
  finish: {
    ask: { share: number; retried: readonly Retried[]; mostEvidence: number };
    answer: SharedHit[][];
  };
  drop: { ask: { share: number }; answer: null };
  /** Opens the library, which a thread has open from then on. */
  open: { ask: Record<string, never>; answer: null };
  close: { ask: Record<string, never>; answer: null };
}

export type AlignmentCall = CallOf<AlignmentCalls>;

export interface AlignmentWorkerData {
  dataFolder: DataFolder;
}
