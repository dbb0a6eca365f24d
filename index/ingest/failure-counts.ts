import type { JobFile } from '../library/types.js';

/** Number of failed files by code, the most frequent first. */
export function countFailures(files: readonly JobFile[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { outcome, code } of files) {
    if (outcome !== 'failed') continue;
    const name = code ?? 'INTERNAL';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Object.fromEntries(
    [...counts].sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1)),
  );
}
