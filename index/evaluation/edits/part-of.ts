import type { EditOutcome } from '../types.js';

/** Edits of one part are found and missed together, so an interval draws parts. */
export function partOf({ contentHash, expected }: Pick<EditOutcome, 'contentHash' | 'expected'>): string {
  return [contentHash, expected?.startSeconds.toFixed(3), expected?.endSeconds.toFixed(3)].join(' ');
}
