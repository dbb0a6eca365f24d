import type { SegmentFilter } from './types.js';

/** Bound values of VIDEO_FILTER; null where the filter does not ask. */
export interface FilterParameters {
  collection: string | null;
  label: string | null;
  excluded: string | null;
}

/** Condition on a row `v` of videos. */
export const VIDEO_FILTER = `(@collection IS NULL OR v.collection_id = (SELECT id FROM collections WHERE name = @collection))
  AND (@label IS NULL OR v.label = @label)
  AND (@excluded IS NULL OR v.id NOT IN (SELECT value FROM json_each(@excluded)))`;

export function filterParameters(filter: SegmentFilter): FilterParameters {
  const { collection = null, label = null, excludeVideoIds } = filter;
  return { collection, label, excluded: excludeVideoIds?.length ? JSON.stringify(excludeVideoIds) : null };
}

export function isUnfiltered(filter: SegmentFilter): boolean {
  return filter.collection === undefined && filter.label === undefined && !filter.excludeVideoIds?.length;
}
