import { z } from 'zod';
import { SCOPES } from '../access/scopes.js';
import { CALIBRATION_FORMAT } from '../search/calibration/types.js';

/**
 * What rows that hold JSON must hold at least, so that whoever reads them does not fail. Not all that they may hold: rows of older
 * versions lack what was added since.
 */

const collection = z.string();
const record = z.looseObject({});

export const JOB_REQUEST = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('index'), paths: z.array(z.string()), collection }),
  z.looseObject({ type: z.literal('upload'), path: z.string(), collection, title: z.string() }),
  z.looseObject({ type: z.literal('evaluate'), protocol: z.string(), collection: collection.nullable() }),
  z.looseObject({ type: z.literal('calibrate'), collection, queryCount: z.number(), seed: z.number() }),
  z.looseObject({ type: z.literal('boilerplate'), collection }),
  z.looseObject({ type: z.literal('duplicates'), collection: collection.nullable(), minScore: z.number() }),
]);

export const JOB_PROGRESS = z.looseObject({ filesInHand: z.array(record).optional() });
export const JOB_ERROR = z.looseObject({ code: z.string(), message: z.string() });

const LOOK_WEIGHTS = {
  bias: z.number(),
  closeness: z.number(),
  coverage: z.number(),
  logSeconds: z.number(),
};

/** Of other formats nothing is asked: they are as good as none. */
export const CALIBRATION = z.union([
  z.looseObject({
    formatVersion: z.literal(CALIBRATION_FORMAT),
    weights: z.looseObject({ ...LOOK_WEIGHTS, changeCorrelation: z.number() }),
    lookWeights: z.looseObject(LOOK_WEIGHTS),
    sameFootageScore: z.number(),
    similarFrom: z.number(),
    videoCount: z.number(),
    queryCount: z.number(),
    fittedAt: z.string(),
    reliability: z.array(record),
  }),
  z.looseObject({ formatVersion: z.number().refine((version) => version !== CALIBRATION_FORMAT) }),
]);

export const BOILERPLATE_REPORT = z.looseObject({
  modelId: z.string(),
  videoCount: z.number(),
  groups: z.array(record),
});

export const EVALUATION_PART = record;
export const MANIFEST = record;
export const JOB_RESULT = z.unknown();
export const KEY_SCOPES = z.array(z.enum(SCOPES));
export const KEY_COLLECTIONS = z.array(z.string());

const range = { startSeconds: z.number().nullable(), endSeconds: z.number().nullable() };
export const WATCH_SOURCE = z.discriminatedUnion('kind', [
  z.looseObject({
    kind: z.literal('clip'),
    path: z.string(),
    ...range,
    sizeBytes: z.number().optional(),
    contentHash: z.string().optional(),
  }),
  z.looseObject({ kind: z.literal('video'), videoId: z.number(), contentHash: z.string(), ...range }),
]);

export const WATCH_LAYOUT = z.looseObject({
  dimension: z.int().positive(),
  timesteps: z.int().positive(),
  clipSeconds: z.number(),
  startsSeconds: z.array(z.number()),
  weights: z.array(z.number()),
  cutsSeconds: z.array(z.number()),
  videoId: z.number().nullable(),
  startSeconds: z.number(),
  endSeconds: z.number(),
  mirrored: z.array(z.boolean()).min(1),
});

/** Why a row's text cannot be used; null when it can. */
export function faultOfJson(text: string, shape: z.ZodType): string | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `it is no JSON: ${(error as Error).message}`;
  }
  const parsed = shape.safeParse(value);
  if (parsed.success) return null;
  const [issue] = parsed.error.issues;
  return `${issue?.path.join('.') || 'it'}: ${issue?.message}`;
}
