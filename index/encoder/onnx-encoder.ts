import { listSupportedBackends } from 'onnxruntime-node';
import { CliptraceError, errorMessageOf } from '../errors.js';
import { checkGraph, invalidGraph } from './check-graph.js';
import { latticeClip } from './check-input.js';
import { type CheckVector, type ModelManifest, readManifest } from './manifest.js';
import { SessionThread } from './session-thread.js';
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
 * Opens a model on the CPU. Inference has a thread of its own; the event loop goes on meanwhile.
 * MODEL_NOT_FOUND, MODEL_INVALID (manifest, hash, or a graph of other names, types or shapes), MODEL_CHECK_FAILED.
 */
export async function openEncoder(options: OpenEncoderOptions): Promise<Encoder> {
  const { manifestPath, threads, verify = true } = options;
  const { manifest, modelPath } = await readManifest(manifestPath);
  const { thread, graph } = await SessionThread.open({ modelPath, threads }).catch((cause: unknown) => {
    throw invalidGraph(modelPath, errorMessageOf(cause), cause);
  });
  try {
    checkGraph(graph, manifest, modelPath);
    const encoder = new OnnxEncoder(manifest, thread);
    if (verify) for (const vector of manifest.checkVectors) await checkVector(encoder, vector);
    return encoder;
  } catch (error) {
    await thread.close();
    throw error;
  }
}

/** Names of the execution providers that this installation of ONNX Runtime carries, e.g. `cpu`. */
export function executionProviders(): string[] {
  return listSupportedBackends()
    .filter(({ bundled }) => bundled)
    .map(({ name }) => name);
}

class OnnxEncoder implements Encoder {
  readonly manifest: ModelManifest;
  readonly #thread: SessionThread;
  #closing: Promise<void> | null = null;

  constructor(manifest: ModelManifest, thread: SessionThread) {
    this.manifest = manifest;
    this.#thread = thread;
  }

  async encode(pixels: Uint8Array, count: number): Promise<EncodedClips> {
    const { input, outputs, preprocessing, dimension, timesteps } = this.manifest;
    if (this.#closing) throw new CliptraceError('ENCODE_FAILED', 'The encoder is closed. Open it again.');
    const shape = [count, preprocessing.frames, preprocessing.height, preprocessing.width, 3];
    const expected = shape.reduce((product, size) => product * size, 1);
    if (!Number.isInteger(count) || count < 1 || pixels.length !== expected) {
      throw new CliptraceError(
        'ENCODE_FAILED',
        `${pixels.length} bytes are not ${count} clips of [${shape.slice(1).join(', ')}].`,
      );
    }
    const names = [outputs.embedding.name, outputs.timesteps.name];
    const [embeddings, features] = await this.#thread
      .run(input.name, pixels, shape, names)
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
    this.#closing ??= this.#thread.close();
    return this.#closing;
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
