import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { CliptraceError } from '../errors.js';
import { atPrecision, DEFAULT_PRECISION, modelIdOf } from './precision.js';
import { readWhitening, type Whitening } from './whitening.js';

const count = z.number().int().positive();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits');
/** Beside the manifest, never elsewhere. */
const fileName = z.string().regex(/^[\w][\w.-]*$/, 'must be a plain file name');
const threeNumbers = z.array(z.number()).length(3);

const preprocessingSchema = z.strictObject({
  /** Frames a second of the decoded clip. */
  framesPerSecond: z.number().positive(),
  /** Frames a clip. */
  frames: count,
  /** Pixels. */
  width: count,
  height: count,
  crop: z.discriminatedUnion('mode', [
    /** The whole frame, stretched to width x height. */
    z.strictObject({ mode: z.literal('stretch') }),
    /** A centred square with side = fraction x min(width, height). */
    z.strictObject({ mode: z.literal('centre'), fraction: z.number().gt(0).lte(1) }),
  ]),
  /** A flag of ffmpeg's scaler. */
  scaleFilter: z.enum([
    'area',
    'bicubic',
    'bicublin',
    'bilinear',
    'experimental',
    'fast_bilinear',
    'gauss',
    'lanczos',
    'neighbor',
    'sinc',
    'spline',
  ]),
  /** What the graph itself applies to pixel / 255; for readers. */
  mean: threeNumbers,
  std: threeNumbers,
  /** What the graph reorders to inside, e.g. for weights that were trained on BGR; for readers. */
  networkChannelOrder: z.enum(['rgb', 'bgr']).optional(),
});

const checkVectorSchema = z.strictObject({
  input: z.strictObject({ formula: z.literal('cliptrace-lattice-1'), seed: z.number().int().nonnegative() }),
  embedding: z.array(z.number()),
  timesteps: z.array(z.array(z.number())),
  /** Largest deviation of one component that is accepted. */
  tolerance: z.number().positive(),
});

const variantSchema = z.strictObject({
  precision: z.string().min(1),
  file: fileName,
  sha256,
  measured: z.record(z.string(), z.unknown()).optional(),
});

/** `whitening.ts`: float32, little-endian. It becomes part of the model's id, since features with and without it do not compare. */
const whiteningSchema = z.strictObject({
  file: fileName,
  sha256,
  /** What it was fitted on, for readers. */
  fitted: z.record(z.string(), z.unknown()).optional(),
});

const batchShape = (...sizes: z.ZodType<number>[]): z.ZodType<[null, ...number[]]> =>
  z.tuple([z.null(), ...sizes]) as unknown as z.ZodType<[null, ...number[]]>;

const manifestSchema = z.strictObject({
  formatVersion: z.literal(1),
  id: z.string().min(1),
  name: z.string().min(1),
  architecture: z.string().min(1),
  file: fileName,
  sha256,
  opset: count,
  licence: z.string().min(1),
  input: z.strictObject({
    name: z.string().min(1),
    dtype: z.literal('uint8'),
    layout: z.literal('NTHWC'),
    shape: batchShape(count, count, count, z.literal(3)),
    channelOrder: z.literal('rgb'),
    range: z.tuple([z.literal(0), z.literal(255)]),
  }),
  outputs: z.strictObject({
    timesteps: z.strictObject({ name: z.string().min(1), shape: batchShape(count, count) }),
    embedding: z.strictObject({ name: z.string().min(1), shape: batchShape(count) }),
  }),
  preprocessing: preprocessingSchema,
  dimension: count,
  timesteps: count,
  /** Seconds from the start of one segment to that of the next. */
  segmentHopSeconds: z.number().positive(),
  metric: z.literal('cosine'),
  /** Provenance and figures: whatever the trainer tells. */
  training: z.record(z.string(), z.unknown()),
  measured: z.record(z.string(), z.unknown()),
  checkVectors: z.array(checkVectorSchema).min(1),
  variants: z.array(variantSchema).optional(),
  whitening: whiteningSchema.optional(),
});

/** What a model is and how it wants to be fed: `manifest.json` beside its ONNX file. */
export type ModelManifest = z.infer<typeof manifestSchema>;
/** The same model in another precision, in a file of its own. */
export type ModelVariant = z.infer<typeof variantSchema>;
/** How a video becomes clips: the part of the manifest that the decoder follows. */
export type Preprocessing = z.infer<typeof preprocessingSchema>;
export type CheckVector = z.infer<typeof checkVectorSchema>;

export interface LoadedManifest {
  /** With the id under which the model's features are kept (`modelIdOf`). */
  manifest: ModelManifest;
  /** Of the ONNX file, absolute. */
  modelPath: string;
  whitening: Whitening | null;
}

/**
 * Reads a manifest, of the model itself or of one of its variants (`atPrecision`), and checks it, its consistency and its ONNX
 * file's SHA-256. MODEL_NOT_FOUND, or MODEL_INVALID naming the field.
 */
export async function readManifest(
  manifestPath: string,
  precision: string = DEFAULT_PRECISION,
): Promise<LoadedManifest> {
  const text = await readFile(manifestPath, 'utf8').catch((cause: unknown) => {
    throw notFound('model manifest', manifestPath, cause);
  });
  const manifest = atPrecision(parseManifest(text, manifestPath), precision);
  const besides = (file: string) => resolve(dirname(manifestPath), file);
  const modelPath = besides(manifest.file);
  await checkHash(manifestPath, 'sha256', 'ONNX file', manifest.file, manifest.sha256);
  if (!manifest.whitening) return { manifest, modelPath, whitening: null };
  const { file, sha256: expected } = manifest.whitening;
  await checkHash(manifestPath, 'whitening.sha256', 'whitening', file, expected);
  return { manifest, modelPath, whitening: await readWhitening(besides(file), manifest) };
}

async function checkHash(
  manifestPath: string,
  field: string,
  what: string,
  file: string,
  expected: string,
): Promise<void> {
  const filePath = resolve(dirname(manifestPath), file);
  const actual = await hashFile(filePath).catch((cause: unknown) => {
    throw notFound(`${what} of the model`, filePath, cause);
  });
  if (actual === expected) return;
  throw invalid(manifestPath, field, `the manifest says ${expected}, ${file} has ${actual}`);
}

/** The same for text in hand, without the ONNX file. `source` stands in messages. */
export function parseManifest(text: string, source: string): ModelManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(source, null, 'it is not JSON', cause);
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalid(
      source,
      issue?.path.join('.') || null,
      issue?.message ?? 'it does not match its schema',
      parsed.error,
    );
  }
  checkConsistency(parsed.data, source);
  return parsed.data;
}

/** Two fields that contradict each other would show later as wrong vectors or not at all. */
function checkConsistency(manifest: ModelManifest, source: string): void {
  const { dimension, timesteps, preprocessing, input, outputs } = manifest;
  const { frames, height, width } = preprocessing;
  const expect = (field: string, actual: readonly unknown[], expected: readonly unknown[]): void => {
    if (JSON.stringify(actual) === JSON.stringify(expected)) return;
    throw invalid(
      source,
      field,
      `is ${JSON.stringify(actual)}, the other fields demand ${JSON.stringify(expected)}`,
    );
  };
  expect('input.shape', input.shape, [null, frames, height, width, 3]);
  expect('outputs.timesteps.shape', outputs.timesteps.shape, [null, timesteps, dimension]);
  expect('outputs.embedding.shape', outputs.embedding.shape, [null, dimension]);
  expect('id', [manifest.id], [modelIdOf(manifest)]);
  for (const [index, vector] of manifest.checkVectors.entries()) {
    expect(`checkVectors.${index}.embedding.length`, [vector.embedding.length], [dimension]);
    const lengths = vector.timesteps.map((row) => row.length);
    expect(`checkVectors.${index}.timesteps lengths`, lengths, new Array(timesteps).fill(dimension));
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

function notFound(what: string, path: string, cause: unknown): CliptraceError {
  return new CliptraceError(
    'MODEL_NOT_FOUND',
    `The ${what} ${path} cannot be read. Set CLIPTRACE_MODEL to the folder of a model, or install Cliptrace again.`,
    { cause },
  );
}

function invalid(source: string, field: string | null, why: string, cause?: unknown): CliptraceError {
  return new CliptraceError(
    'MODEL_INVALID',
    `The model manifest ${source} is invalid${field === null ? '' : ` in "${field}"`}: ${why}. Export the model again, or install Cliptrace again.`,
    { cause, details: { field } },
  );
}
