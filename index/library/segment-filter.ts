import type { SegmentFilter } from './types.js';
import { allowsEverything, type VideoFilterParameters, videoFilterParameters } from './video-filter.js';

/** Bound values of SEGMENT_FILTER; null where the filter does not ask. */
export type FilterParameters = VideoFilterParameters & { excluded: string | null };

/** Condition on a row `v` of videos, beside VIDEO_FILTER. */
export const NOT_EXCLUDED = '(@excluded IS NULL OR v.id NOT IN (SELECT value FROM json_each(@excluded)))';

export function filterParameters(filter: SegmentFilter): FilterParameters {
  const { excludeVideoIds } = filter;
  return {
    ...videoFilterParameters(filter),
    excluded: excludeVideoIds?.length ? JSON.stringify(excludeVideoIds) : null,
  };
}

export function isUnfiltered(filter: SegmentFilter): boolean {
  return allowsEverything(filter) && !filter.excludeVideoIds?.length;
}
