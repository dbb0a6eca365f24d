import { z } from 'zod';
import { CliptraceError } from '../../index/errors.js';
import {
  type MetaCondition,
  parseMetaCondition,
  type VideoFilter,
} from '../../index/library/video-filter.js';
import { collectionName, labelText, seconds, timestamp } from './common.js';

export const metaKey = z
  .string()
  .regex(/^[\w-][\w.-]{0,63}$/, 'must be 1 to 64 letters, digits, dots, dashes or underscores');
const metaText = z.string().min(1).max(500);
const metaNumber = z.number().min(-1e15).max(1e15);

/** What is told of a video. */
export const metaGiven = z.record(metaKey, z.union([metaText, metaNumber, z.boolean()]));
/** The same as text, from `meta.KEY=VALUE`. */
export const metaGivenText = z.record(metaKey, metaText);

const metaCondition = z.union([
  metaText,
  metaNumber,
  z.boolean(),
  z
    .array(z.union([metaText, metaNumber]))
    .min(1)
    .max(1000),
  z
    .strictObject({ min: metaNumber.optional(), max: metaNumber.optional() })
    .refine(({ min, max }) => (min ?? max) !== undefined && (min ?? -Infinity) <= (max ?? Infinity), {
      message: 'must have min or max, and min may not be greater',
    }),
]);

const shared = {
  collection: collectionName.optional().describe('Only videos of this collection.'),
  label: labelText.optional().describe('Only videos of this label.'),
  minDurationSeconds: seconds.optional().describe('Only videos that last at least so long.'),
  maxDurationSeconds: seconds.optional().describe('Only videos that last at most so long.'),
  addedFrom: timestamp.optional().describe('Only videos that were added at this time or later (UTC).'),
  addedBefore: timestamp.optional().describe('Only videos that were added before this time (UTC).'),
  pathPrefix: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe('Only videos with a file whose path begins so; needs a key of scope admin.'),
};

/** In a JSON body. */
export const filterJson = {
  ...shared,
  meta: z
    .record(metaKey, metaCondition)
    .optional()
    .describe('Metadata by key: a value, a list of which one holds, or {min, max}. All keys must hold.'),
};

/** In a query or a form. */
export const filterText = {
  ...shared,
  meta: metaGivenText
    .optional()
    .describe('`meta.KEY=VALUE`: a value, `a,b` (one of them), or a range `1..5`, `1..`, `..5`.'),
};

type FilterJson = z.output<z.ZodObject<typeof filterJson>>;
type FilterText = z.output<z.ZodObject<typeof filterText>>;

/** REQUEST_INVALID for a range without a number or the wrong way round. */
export function filterOf(given: FilterJson | FilterText, isText: boolean): VideoFilter {
  const { meta, ...rest } = given;
  const filter = {
    collection: rest.collection,
    label: rest.label,
    minDurationSeconds: rest.minDurationSeconds,
    maxDurationSeconds: rest.maxDurationSeconds,
    addedFrom: rest.addedFrom === undefined ? undefined : toMilliseconds(rest.addedFrom),
    addedBefore: rest.addedBefore === undefined ? undefined : toMilliseconds(rest.addedBefore),
    pathPrefix: rest.pathPrefix,
  };
  const conditions = Object.entries(meta ?? {}).map(([key, value]) =>
    isText ? fromText(key, String(value)) : fromJson(key, value),
  );
  return { ...filter, meta: conditions.length === 0 ? undefined : conditions };
}

/** As the library writes times, so that they compare as text. */
function toMilliseconds(time: string): string {
  return new Date(time).toISOString();
}

function fromText(key: string, text: string): MetaCondition {
  try {
    return parseMetaCondition(key, text);
  } catch (error) {
    throw new CliptraceError('REQUEST_INVALID', (error as Error).message, {
      details: { errors: [{ field: `meta.${key}`, message: 'is no value, set or range' }] },
    });
  }
}

function fromJson(key: string, value: z.output<typeof metaCondition>): MetaCondition {
  if (Array.isArray(value)) return { key, values: value.map(String) };
  if (typeof value === 'object') return { key, min: value.min ?? null, max: value.max ?? null };
  return { key, values: [String(value)] };
}
