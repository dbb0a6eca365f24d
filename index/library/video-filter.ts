import { CliptraceError } from '../errors.js';

/** What a metadata value must be: one of these, or a number in [min, max]. */
export type MetaCondition =
  | { key: string; values: readonly string[] }
  | { key: string; min: number | null; max: number | null };

/** Which videos are meant. What is not given does not matter. */
export interface VideoFilter {
  collection?: string | undefined;
  /** In one of these. */
  collections?: readonly string[] | undefined;
  label?: string | undefined;
  minDurationSeconds?: number | undefined;
  maxDurationSeconds?: number | undefined;
  /** ISO 8601, UTC: added at or after. */
  addedFrom?: string | undefined;
  /** Added before. */
  addedBefore?: string | undefined;
  /** A file of the video lies at a path that begins so. */
  pathPrefix?: string | undefined;
  /** All of them hold. */
  meta?: readonly MetaCondition[] | undefined;
}

/** Bound values of VIDEO_FILTER; null where the filter does not ask. */
export interface VideoFilterParameters {
  collection: string | null;
  /** JSON list. */
  collections: string | null;
  label: string | null;
  minDurationSeconds: number | null;
  maxDurationSeconds: number | null;
  addedFrom: string | null;
  addedBefore: string | null;
  pathPrefix: string | null;
  /** JSON list of conditions. */
  meta: string | null;
}

/** Condition on a row `v` of videos. `path_on_disk` is a function that the library gives to SQLite. */
export const VIDEO_FILTER = `(@collection IS NULL OR v.collection_id = (SELECT id FROM collections WHERE name = @collection))
  AND (@collections IS NULL OR v.collection_id IN
    (SELECT id FROM collections WHERE name IN (SELECT value FROM json_each(@collections))))
  AND (@label IS NULL OR v.label = @label)
  AND (@minDurationSeconds IS NULL OR v.duration_seconds >= @minDurationSeconds)
  AND (@maxDurationSeconds IS NULL OR v.duration_seconds <= @maxDurationSeconds)
  AND (@addedFrom IS NULL OR v.added_at >= @addedFrom)
  AND (@addedBefore IS NULL OR v.added_at < @addedBefore)
  AND (@pathPrefix IS NULL OR EXISTS
    (SELECT 1 FROM files f WHERE f.video_id = v.id AND substr(path_on_disk(f.path), 1, length(@pathPrefix)) = @pathPrefix))
  AND (@meta IS NULL OR NOT EXISTS (SELECT 1 FROM json_each(@meta) c WHERE NOT EXISTS
    (SELECT 1 FROM video_metadata m WHERE m.video_id = v.id AND m.key = c.value ->> 'key'
      AND (c.value -> 'values' IS NULL OR m.text_value IN (SELECT value FROM json_each(c.value -> 'values')))
      AND (c.value ->> 'min' IS NULL OR m.number_value >= c.value ->> 'min')
      AND (c.value ->> 'max' IS NULL OR m.number_value <= c.value ->> 'max'))))`;

export function videoFilterParameters(filter: VideoFilter): VideoFilterParameters {
  const { collections, meta } = filter;
  return {
    collection: filter.collection ?? null,
    collections: collections === undefined ? null : JSON.stringify(collections),
    label: filter.label ?? null,
    minDurationSeconds: filter.minDurationSeconds ?? null,
    maxDurationSeconds: filter.maxDurationSeconds ?? null,
    addedFrom: filter.addedFrom ?? null,
    addedBefore: filter.addedBefore ?? null,
    pathPrefix: filter.pathPrefix ?? null,
    meta: meta?.length ? JSON.stringify(meta) : null,
  };
}

/** True when every video is meant. */
export function allowsEverything(filter: VideoFilter): boolean {
  return Object.values(videoFilterParameters(filter)).every((value) => value === null);
}

/** Only what a filter says, of an object that says more. */
export function videoFilterOf(given: VideoFilter): VideoFilter {
  const { collection, collections, label, meta, pathPrefix } = given;
  const { minDurationSeconds, maxDurationSeconds, addedFrom, addedBefore } = given;
  return {
    ...{ collection, collections, label, meta, pathPrefix },
    ...{ minDurationSeconds, maxDurationSeconds, addedFrom, addedBefore },
  };
}

const RANGE = /^(-?\d+(?:\.\d+)?)?\.\.(-?\d+(?:\.\d+)?)?$/;

/** `3`, `a,b` (one of them), `2019..2021`, `2019..`, `..2021`. USAGE when a range has no end at all or ends before it starts. */
export function parseMetaCondition(key: string, text: string): MetaCondition {
  const range = RANGE.exec(text);
  if (range === null) return { key, values: text.split(',').map((value) => value.trim()) };
  const [min, max] = [range[1], range[2]].map((bound) => (bound === undefined ? null : Number(bound))) as [
    number | null,
    number | null,
  ];
  if ((min === null && max === null) || (min !== null && max !== null && min > max)) {
    throw new CliptraceError('USAGE', `meta.${key} is "${text}": a range is FROM..TO, FROM.. or ..TO`);
  }
  return { key, min, max };
}
