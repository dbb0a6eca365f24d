import { InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node';
import { CliptraceError } from '../errors.js';
import { latticeClip } from './check-input.js';
import { type CheckVector, type ModelManifest, readManifest } from './manifest.js';
import type { EncodedClips, Encoder } from './types.js';

export interface OpenEncoderOptions {
  manifestPath: string;
  /** Threads of one inference. */
  threads: number;
  /** Run the check vectors; true unless told. */
  verify?: boolean;
}

/** A vector shorter than this has no direction worth keeping. */
const MIN_NORM = 1e-6;

/**
 * Opens a model on the CPU.
 * MODEL_NOT_FOUND, MODEL_INVALID (manifest, hash, or a graph of other names, types or shapes), MODEL_CHECK_FAILED.
 */
export async function openEncoder({
  manifestPath,
  threads,
  verify = true,
}: OpenEncoderOptions): Promise<Encoder> {
  const { manifest, modelPath } = await readManifest(manifestPath);
  let session: InferenceSession;
  try {
    session = await InferenceSession.create(modelPath, {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      // Errors only: its warnings about the machine are nothing that a user can act on.
      logSeverityLevel: 3,
    });
  } catch (cause) {
    throw invalidGraph(modelPath, cause instanceof Error ? cause.message : String(cause), cause);
  }
  try {
    checkGraph(session, manifest, modelPath);
    const encoder = new OnnxEncoder(manifest, session);
    if (verify) for (const vector of manifest.checkVectors) await checkVector(encoder, vector);
    return encoder;
  } catch (error) {
    await session.release();
    throw error;
  }
}

/** Names of the execution providers that this build of ONNX Runtime carries, e.g. `cpu`. */
export function executionProviders(): string[] {
  return listSupportedBackends().map((backend) => backend.name);
}

class OnnxEncoder implements Encoder {
  readonly #session: InferenceSession;
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(
    readonly manifest: ModelManifest,
    session: InferenceSession,
  ) {
    this.#session = session;
  }

  encode(pixels: Uint8Array, count: number): Promise<EncodedClips> {
    // One at a time: an inference uses every thread that it was given, two would only fight for them.
    const result = this.#queue.then(() => this.#encode(pixels, count));
    this.#queue = result.catch(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#queue;
    await this.#session.release();
  }

  async #encode(pixels: Uint8Array, count: number): Promise<EncodedClips> {
    if (this.#closed) throw new CliptraceError('ENCODE_FAILED', 'The encoder is closed. Open it again.');
    const { input, outputs, preprocessing, dimension, timesteps } = this.manifest;
    const shape = [count, preprocessing.frames, preprocessing.height, preprocessing.width, 3];
    const expected = shape.reduce((product, size) => product * size, 1);
    if (!Number.isInteger(count) || count < 1 || pixels.length !== expected) {
      throw new CliptraceError(
        'ENCODE_FAILED',
        `${pixels.length} bytes are not ${count} clips of [${shape.slice(1).join(', ')}].`,
      );
    }
    const tensor = new Tensor('uint8', pixels, shape);
    let results: InferenceSession.OnnxValueMapType;
    try {
      results = await this.#session.run({ [input.name]: tensor });
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new CliptraceError('ENCODE_FAILED', `${this.manifest.id} failed on ${count} clips: ${why}`, {
        cause,
      });
    }
    const take = (name: string, length: number): Float32Array => {
      const data = results[name]?.data;
      if (data instanceof Float32Array && data.length === length) return unitRows(data, dimension);
      throw new CliptraceError(
        'ENCODE_FAILED',
        `${this.manifest.id} gave no ${length} float32 values in its output "${name}".`,
      );
    };
    return {
      embeddings: take(outputs.embedding.name, count * dimension),
      timesteps: take(outputs.timesteps.name, count * timesteps * dimension),
    };
  }
}

/** A copy with each row of `dimension` numbers at norm 1. ENCODE_FAILED for a row that is not finite or has no length. */
function unitRows(values: Float32Array, dimension: number): Float32Array {
  const rows = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += dimension) {
    let squares = 0;
    for (let i = start; i < start + dimension; i += 1) squares += (values[i] as number) ** 2;
    const norm = Math.sqrt(squares);
    if (!Number.isFinite(norm) || norm < MIN_NORM) {
      throw new CliptraceError(
        'ENCODE_FAILED',
        `The encoder gave a vector of norm ${norm}, which has no direction.`,
      );
    }
    for (let i = start; i < start + dimension; i += 1) rows[i] = (values[i] as number) / norm;
  }
  return rows;
}

function checkGraph(session: InferenceSession, manifest: ModelManifest, modelPath: string): void {
  const { input, outputs } = manifest;
  checkTensor(session.inputMetadata, input.name, 'uint8', input.shape, 'input', modelPath);
  for (const { name, shape } of [outputs.timesteps, outputs.embedding]) {
    checkTensor(session.outputMetadata, name, 'float32', shape, 'output', modelPath);
  }
}

function checkTensor(
  metadata: readonly InferenceSession.ValueMetadata[],
  name: string,
  type: string,
  shape: readonly (number | null)[],
  kind: string,
  modelPath: string,
): void {
  const found = metadata.find((value) => value.name === name);
  if (!found?.isTensor) {
    const names = metadata.map((value) => value.name).join(', ');
    throw invalidGraph(modelPath, `its manifest names the ${kind} "${name}", the graph has ${names}`);
  }
  // The graph gives a name or -1 for a size that it leaves open, which any size satisfies.
  const differs =
    found.shape.length !== shape.length ||
    found.shape.some((size, axis) => typeof size === 'number' && size >= 0 && size !== shape[axis]);
  if (found.type !== type || differs) {
    const expected = `${type} [${shape.map((size) => size ?? 'N').join(', ')}]`;
    throw invalidGraph(
      modelPath,
      `its ${kind} "${name}" is ${found.type} [${found.shape.join(', ')}], the manifest demands ${expected}`,
    );
  }
}

async function checkVector(encoder: Encoder, vector: CheckVector): Promise<void> {
  const clip = latticeClip(encoder.manifest.preprocessing, vector.input.seed);
  const { embeddings, timesteps } = await encoder.encode(clip, 1);
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

function largestDeviation(actual: Float32Array, expected: readonly number[]): number {
  let largest = 0;
  for (let i = 0; i < expected.length; i += 1) {
    largest = Math.max(largest, Math.abs((actual[i] as number) - (expected[i] as number)));
  }
  return largest;
}

function invalidGraph(modelPath: string, why: string, cause?: unknown): CliptraceError {
  return new CliptraceError(
    'MODEL_INVALID',
    `The model ${modelPath} cannot be used: ${why}. Export the model again, or install Cliptrace again.`,
    { cause },
  );
}
