import { CliptraceError } from '../errors.js';
import type { SearchHit } from './types.js';

/** Where a page of hits ended. */
export interface HitPosition {
  /** Hits on the pages so far. */
  count: number;
  score: number;
  videoId: number;
  startSeconds: number;
}

/** Hits that a search may give on all its pages together. */
export const MOST_HITS = 1000;

export function encodeHitCursor({ count, score, videoId, startSeconds }: HitPosition): string {
  return Buffer.from(`h1:${count}:${score}:${videoId}:${startSeconds}`).toString('base64url');
}

/** REQUEST_INVALID for anything that `encodeHitCursor` did not make. */
export function decodeHitCursor(cursor: string): HitPosition {
  const parts = /^h1:(\d{1,5}):([\d.e-]{1,24}):(\d{1,15}):([\d.e-]{1,24})$/.exec(
    Buffer.from(cursor, 'base64url').toString(),
  );
  const [count, score, videoId, startSeconds] = (parts ?? []).slice(1).map(Number);
  const position = { count, score, videoId, startSeconds } as HitPosition;
  if (parts && encodeHitCursor(position) === cursor && position.count < MOST_HITS) return position;
  throw new CliptraceError(
    'REQUEST_INVALID',
    `The cursor ${JSON.stringify(cursor.slice(0, 80))} is none of ours. Give the nextCursor of the previous page, or none.`,
    { details: { cursor: cursor.slice(0, 80) } },
  );
}

/** True for hits that come after the position in the order of an answer: a video that comes or goes between two pages moves no other. */
export function comesAfter(hit: SearchHit, { score, videoId, startSeconds }: HitPosition): boolean {
  if (hit.score !== score) return hit.score < score;
  if (hit.video.id !== videoId) return hit.video.id > videoId;
  return hit.startSeconds > startSeconds;
}

/** The order of an answer, to the precision that a client sees. */
export function inOrder(a: SearchHit, b: SearchHit): number {
  return b.score - a.score || a.video.id - b.video.id || a.startSeconds - b.startSeconds;
}
