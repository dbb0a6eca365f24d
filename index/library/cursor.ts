import { CliptraceError } from '../errors.js';

/** A page's cursor says below which video id the next page starts; clients see it as an opaque word. */
export function encodeCursor(beforeId: number): string {
  return Buffer.from(`v1:${beforeId}`).toString('base64url');
}

/** REQUEST_INVALID for anything that `encodeCursor` did not make. */
export function decodeCursor(cursor: string): number {
  const beforeId = Number(/^v1:([1-9]\d{0,15})$/.exec(Buffer.from(cursor, 'base64url').toString())?.[1]);
  if (Number.isSafeInteger(beforeId) && encodeCursor(beforeId) === cursor) return beforeId;
  throw new CliptraceError(
    'REQUEST_INVALID',
    `The cursor ${JSON.stringify(cursor.slice(0, 80))} is none of ours. Give the nextCursor of the previous page, or none.`,
    { details: { cursor: cursor.slice(0, 80) } },
  );
}
