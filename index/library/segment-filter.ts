import type { SegmentFilter } from './types.js';

/** Bound values of VIDEO_FILTER; null where the filter does not ask. */
export interface FilterParameters {
  collection: string | null;
  /** JSON list. */
  collections: string | null;
  label: string | null;
  excluded: string | null;
}

/** Condition on a row `v` of videos. */
export const VIDEO_FILTER = `(@collection IS NULL OR v.collection_id = (SELECT id FROM collections WHERE name = @collection))
  AND (@collections IS NULL OR v.collection_id IN
    (SELECT id FROM collections WHERE name IN (SELECT value FROM json_each(@collections))))
  AND (@label IS NULL OR v.label = @label)
  AND (@excluded IS NULL OR v.id NOT IN (SELECT value FROM json_each(@excluded)))`;

export function filterParameters(filter: SegmentFilter): FilterParameters {
  const { collection = null, collections, label = null, excludeVideoIds } = filter;
  return {
    collection,
    collections: collections === undefined ? null : JSON.stringify(collections),
    label,
    excluded: excludeVideoIds?.length ? JSON.stringify(excludeVideoIds) : null,
  };
}

export function isUnfiltered(filter: SegmentFilter): boolean {
  const { collection, collections, label, excludeVideoIds } = filter;
  return (
    collection === undefined && collections === undefined && label === undefined && !excludeVideoIds?.length
  );
}
