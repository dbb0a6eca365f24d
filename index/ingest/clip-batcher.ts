import type { Encoder } from '../encoder/types.js';
import { CliptraceError } from '../errors.js';

export interface EncodedClip {
  /** [dimension], unit-norm. */
  embedding: Float32Array;
  /** [timesteps, dimension], each unit-norm. */
  timesteps: Float32Array;
}

interface Waiting {
  pixels: Uint8Array;
  resolve: (clip: EncodedClip) => void;
  reject: (error: unknown) => void;
}

/**
 * Encodes clips of several videos in common batches: one batch at a time, made of whatever waits when the
 * encoder becomes free. Who calls bounds what waits, by awaiting its own clips.
 */
export class ClipBatcher {
  readonly #encoder: Encoder;
  readonly #maxBatch: number;
  readonly #waiting: Waiting[] = [];
  #running = false;
  #closed = false;
  #busyMs = 0;

  constructor(options: { encoder: Encoder; maxBatch: number }) {
    this.#encoder = options.encoder;
    this.#maxBatch = options.maxBatch;
  }

  get encoder(): Encoder {
    return this.#encoder;
  }

  /** Milliseconds during which the encoder has been at work. */
  get busyMs(): number {
    return this.#busyMs;
  }

  encode(pixels: Uint8Array): Promise<EncodedClip> {
    if (this.#closed) return Promise.reject(new CliptraceError('CANCELLED', 'The encoder has been closed'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ pixels, resolve, reject });
      // Deferred, so that clips handed over in the same turn share a batch.
      if (!this.#running) {
        this.#running = true;
        queueMicrotask(() => void this.#run());
      }
    });
  }

  /** What waits is refused; the batch in hand still answers. */
  close(): void {
    this.#closed = true;
    for (const item of this.#waiting.splice(0)) {
      item.reject(new CliptraceError('CANCELLED', 'The encoder has been closed'));
    }
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) await this.#encodeBatch(this.#waiting.splice(0, this.#maxBatch));
    this.#running = false;
  }

  async #encodeBatch(batch: Waiting[]): Promise<void> {
    const startedAt = performance.now();
    try {
      const encoded = await this.#encoder.encode(joinPixels(batch), batch.length);
      const { dimension, timesteps } = this.#encoder.manifest;
      const timestepLength = dimension * timesteps;
      batch.forEach((item, i) => {
        item.resolve({
          embedding: encoded.embeddings.slice(i * dimension, (i + 1) * dimension),
          timesteps: encoded.timesteps.slice(i * timestepLength, (i + 1) * timestepLength),
        });
      });
    } catch (error) {
      for (const item of batch) item.reject(error);
    } finally {
      this.#busyMs += performance.now() - startedAt;
    }
  }
}

function joinPixels(batch: readonly Waiting[]): Uint8Array {
  const [first] = batch;
  if (batch.length === 1 && first) return first.pixels;
  const joined = new Uint8Array(batch.reduce((total, item) => total + item.pixels.length, 0));
  let offset = 0;
  for (const item of batch) {
    joined.set(item.pixels, offset);
    offset += item.pixels.length;
  }
  return joined;
}
