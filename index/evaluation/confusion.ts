import { compareText } from '../compare-text.js';
import type { ConfusionRow } from './types.js';

/** Counts, for each label of a query, the labels of what was nearest. */
export function confusionOf(
  pairs: readonly { label: string; nearestLabel: string | null }[],
): ConfusionRow[] {
  const rows = new Map<string, Map<string, number>>();
  for (const { label, nearestLabel } of pairs) {
    const row = rows.get(label) ?? new Map<string, number>();
    rows.set(label, row);
    if (nearestLabel !== null) row.set(nearestLabel, (row.get(nearestLabel) ?? 0) + 1);
  }
  return [...rows]
    .sort(([a], [b]) => compareText(a, b))
    .map(([label, counts]) => ({
      label,
      nearest: [...counts]
        .map(([nearest, count]) => ({ label: nearest, count }))
        .sort((a, b) => b.count - a.count || compareText(a.label, b.label)),
    }));
}
