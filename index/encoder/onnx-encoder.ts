import { CliptraceError, errorMessageOf } from '../errors.js';
import { checkGraph, invalidGraph } from './check-graph.js';
import { latticeClip } from './check-input.js';
import { type CheckVector, type LoadedManifest, type ModelManifest, readManifest } from './manifest.js';
import { DEFAULT_PRECISION } from './precision.js';
import { SessionThread } from './session-thread.js';
import type { EncodedClips, Encoder } from './types.js';
import { type Whitening, whitened } from './whitening.js';

export interface OpenEncoderOptions {
  manifestPath: string;
  /** Processors to use: see `sessionPlan`. */
  threads: number;
  /** Of the model's variants; float32 unless told. */
  precision?: string | undefined;
  /** Run the check vectors; true unless told. */
  verify?: boolean;
}

export interface OpenModelOptions extends Pick<OpenEncoderOptions, 'threads' | 'verify'> {
  model: LoadedManifest;
  precision: string;
}

/** Between a variant and float32 on the check vector's pattern: the int8 that was measured has 0.9998. */
const MIN_VARIANT_COSINE = 0.95;

/** A vector shorter than this has no direction worth keeping. */
const MIN_NORM = 1e-6;

/** Each session holds the weights and the memory of a batch, so many processors share these few. */
const MAX_SESSIONS = 4;

/**
 * Sessions of one thread each as long as there are few: two threads within one inference took 15 % more processor time for a
 * clip than one (docs/architecture.md).
 */
export function sessionPlan(threads: number): { sessions: number; threadsPerSession: number } {
  const sessions = Math.min(threads, MAX_SESSIONS);
  return { sessions, threadsPerSession: Math.max(1, Math.floor(threads / sessions)) };
}

/**
 * Opens a model on the CPU. Inferences have threads of their own; the event loop goes on meanwhile.
 * MODEL_NOT_FOUND, MODEL_INVALID (manifest, hash, or a graph of other names, types or shapes), MODEL_CHECK_FAILED.
 */
export async function openEncoder(options: OpenEncoderOptions): Promise<Encoder> {
  const { manifestPath, precision = DEFAULT_PRECISION, ...rest } = options;
  return openModel({ ...rest, model: await readManifest(manifestPath, precision), precision });
}

/** The same for a manifest that has been read at this precision. */
export async function openModel(options: OpenModelOptions): Promise<Encoder> {
  const { model, precision, threads, verify = true } = options;
  const { manifest, modelPath, whitening } = model;
  const { sessions, threadsPerSession } = sessionPlan(threads);
  const opened = await allOrNone(sessions, () => openSession(modelPath, manifest, threadsPerSession));
  const encoder = new OnnxEncoder({ manifest, precision, whitening }, opened);
  try {
    if (verify) for (const vector of manifest.checkVectors) await checkVector(encoder, vector);
    return encoder;
  } catch (error) {
    await encoder.close();
    throw error;
  }
}

/** Side by side. When one cannot be opened, the others are closed again. */
async function allOrNone(count: number, open: () => Promise<SessionThread>): Promise<SessionThread[]> {
  const settled = await Promise.allSettled(Array.from({ length: count }, open));
  const failed = settled.find((one) => one.status === 'rejected');
  const opened = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  if (!failed) return opened;
  for (const thread of opened) await thread.close();
  throw failed.reason;
}

async function openSession(
  modelPath: string,
  manifest: ModelManifest,
  threads: number,
): Promise<SessionThread> {
  const { thread, graph } = await SessionThread.open({ modelPath, threads }).catch((cause: unknown) => {
    throw invalidGraph(modelPath, errorMessageOf(cause), cause);
  });
  try {
    checkGraph(graph, manifest, modelPath);
    return thread;
  } catch (error) {
    await thread.close();
    throw error;
  }
}

class OnnxEncoder implements Encoder {
  readonly manifest: ModelManifest;
  readonly precision: string;
  readonly #whitening: Whitening | null;
  readonly #threads: readonly SessionThread[];
  #closing: Promise<void> | null = null;

  constructor(
    model: { manifest: ModelManifest; precision: string; whitening: Whitening | null },
    threads: readonly SessionThread[],
  ) {
    this.manifest = model.manifest;
    this.precision = model.precision;
    this.#whitening = model.whitening;
    this.#threads = threads;
  }

  get parallelism(): number {
    return this.#threads.length;
  }

  async encode(pixels: Uint8Array | readonly Uint8Array[], count: number): Promise<EncodedClips> {
    const { embeddings, timesteps } = await this.encodeRaw(pixels, count);
    return { embeddings, timesteps: this.#whitening ? whitened(timesteps, this.#whitening) : timesteps };
  }

  /** As the network gives them, at norm 1. */
  async encodeRaw(pixels: Uint8Array | readonly Uint8Array[], count: number): Promise<EncodedClips> {
    const { input, outputs, preprocessing, dimension, timesteps } = this.manifest;
    if (this.#closing) throw new CliptraceError('ENCODE_FAILED', 'The encoder is closed. Open it again.');
    const shape = [count, preprocessing.frames, preprocessing.height, preprocessing.width, 3];
    const expected = shape.reduce((product, size) => product * size, 1);
    const pieces = pixels instanceof Uint8Array ? [pixels] : pixels;
    const byteLength = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (!Number.isInteger(count) || count < 1 || byteLength !== expected) {
      throw new CliptraceError(
        'ENCODE_FAILED',
        `${byteLength} bytes are not ${count} clips of [${shape.slice(1).join(', ')}].`,
      );
    }
    const names = [outputs.embedding.name, outputs.timesteps.name];
    const [embeddings, features] = await this.#leastBusy()
      .run(input.name, pieces, shape, names)
      .catch((cause: unknown) => {
        const message = `${this.manifest.id} failed on ${count} clips: ${errorMessageOf(cause)}`;
        throw new CliptraceError('ENCODE_FAILED', message, { cause });
      });
    return {
      embeddings: unitRows(embeddings, count, dimension, outputs.embedding.name),
      timesteps: unitRows(features, count * timesteps, dimension, outputs.timesteps.name),
    };
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all(this.#threads.map((thread) => thread.close())).then(() => undefined);
    return this.#closing;
  }

  #leastBusy(): SessionThread {
    return this.#threads.reduce((best, thread) => (thread.waitingCount < best.waitingCount ? thread : best));
  }
}

/** The values with each row at norm 1. ENCODE_FAILED for a row that is not finite or has no length. */
function unitRows(
  values: Float32Array | null | undefined,
  rows: number,
  dimension: number,
  name: string,
): Float32Array {
  if (values?.length !== rows * dimension) {
    throw new CliptraceError(
      'ENCODE_FAILED',
      `The encoder gave ${values?.length ?? 'no'} float32 values in its output "${name}", not ${rows * dimension}.`,
    );
  }
  for (let start = 0; start < values.length; start += dimension) {
    let squares = 0;
    for (let i = start; i < start + dimension; i += 1) squares += (values[i] as number) ** 2;
    const norm = Math.sqrt(squares);
    if (!Number.isFinite(norm) || norm < MIN_NORM) {
      throw new CliptraceError(
        'ENCODE_FAILED',
        `The encoder gave a vector of norm ${norm} in its output "${name}", which has no direction.`,
      );
    }
    for (let i = start; i < start + dimension; i += 1) values[i] = (values[i] as number) / norm;
  }
  return values;
}

async function checkVector(encoder: OnnxEncoder, vector: CheckVector): Promise<void> {
  const clip = latticeClip(encoder.manifest.preprocessing, vector.input.seed);
  const { embeddings, timesteps } = await encoder.encodeRaw(clip, 1);
  if (encoder.precision !== DEFAULT_PRECISION) return checkDirection(encoder, vector, embeddings);
  const deviation = Math.max(
    largestDeviation(embeddings, vector.embedding),
    largestDeviation(timesteps, vector.timesteps.flat()),
  );
  if (deviation > vector.tolerance) {
    throw new CliptraceError(
      'MODEL_CHECK_FAILED',
      `${encoder.manifest.id} deviates from its check vector (seed ${vector.input.seed}) by ${deviation.toPrecision(3)}, ` +
        `${vector.tolerance} is allowed. Install Cliptrace and onnxruntime-node again, or export the model again.`,
      { details: { deviation, tolerance: vector.tolerance } },
    );
  }
}

/** A variant is only near to what the vectors of the manifest, which are of float32, say. */
function checkDirection(encoder: Encoder, { input, embedding }: CheckVector, actual: Float32Array): void {
  const cosine = embedding.reduce((sum, value, i) => sum + value * (actual[i] as number), 0);
  if (cosine >= MIN_VARIANT_COSINE) return;
  throw new CliptraceError(
    'MODEL_CHECK_FAILED',
    `${encoder.manifest.id} is nothing like its check vector (seed ${input.seed}): their cosine is ${cosine.toFixed(3)}, at least ` +
      `${MIN_VARIANT_COSINE} is wanted. This processor may be of no use for ${encoder.precision}: use float32, or export the variant again.`,
    { details: { cosine } },
  );
}

function largestDeviation(actual: Float32Array, expected: readonly number[]): number {
  let largest = 0;
  for (let i = 0; i < expected.length; i += 1) {
    largest = Math.max(largest, Math.abs((actual[i] as number) - (expected[i] as number)));
  }
  return largest;
}
