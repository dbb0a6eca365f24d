import type { Encoder } from '../encoder/types.js';
import { CliptraceError } from '../errors.js';

export interface EncodedClip {
  /** [dimension], unit-norm. */
  embedding: Float32Array;
  /** [timesteps, dimension], each unit-norm. */
  timesteps: Float32Array;
}

/** A query, for which someone waits, goes ahead of an archive, which is only full when it is done. */
export type ClipPriority = 'query' | 'archive';

interface Waiting {
  pixels: Uint8Array;
  resolve: (clip: EncodedClip) => void;
  reject: (error: unknown) => void;
}

/**
 * Batches that wait for each batch in hand: so many that the encoder never waits for a decoder that is a little late. Decoders stop
 * at the upper number and go on at the lower one, so that they work in long turns: of seven pairs of runs six took less processor time
 * (35.3 s in the mean instead of 36.4).
 */
const STOP_AT_BATCHES = 4;
const GO_ON_AT_BATCHES = 2;

/**
 * Encodes clips of several videos in common batches, as many side by side as the encoder can, each made of whatever waits when
 * there is room for it. Whoever decodes asks `room()` first: that is what holds the decoders back.
 */
export class ClipBatcher {
  readonly #encoder: Encoder;
  readonly #maxBatch: number;
  readonly #waiting: Record<ClipPriority, Waiting[]> = { query: [], archive: [] };
  readonly #wantRoom: (() => void)[] = [];
  #batchesInHand = 0;
  #scheduled = false;
  #closed = false;
  #busyMs = 0;

  constructor(options: { encoder: Encoder; maxBatch: number }) {
    this.#encoder = options.encoder;
    this.#maxBatch = options.maxBatch;
  }

  get encoder(): Encoder {
    return this.#encoder;
  }

  /** Milliseconds of encoding, of all batches together. */
  get busyMs(): number {
    return this.#busyMs;
  }

  encode(pixels: Uint8Array, priority: ClipPriority = 'archive'): Promise<EncodedClip> {
    if (this.#closed) return Promise.reject(new CliptraceError('CANCELLED', 'The encoder has been closed'));
    return new Promise((resolve, reject) => {
      this.#waiting[priority].push({ pixels, resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      // Deferred, so that clips handed over in the same turn share a batch.
      queueMicrotask(() => {
        this.#scheduled = false;
        this.#fill();
      });
    });
  }

  /** Resolves when another clip of an archive may be handed over without more of them waiting than is of use. */
  async room(): Promise<void> {
    while (!this.#closed && this.#waiting.archive.length >= this.#clipsOf(STOP_AT_BATCHES)) {
      await new Promise<void>((resolve) => this.#wantRoom.push(resolve));
    }
  }

  /** What waits is refused; the batches in hand still answer. */
  close(): void {
    this.#closed = true;
    for (const item of [...this.#waiting.query.splice(0), ...this.#waiting.archive.splice(0)]) {
      item.reject(new CliptraceError('CANCELLED', 'The encoder has been closed'));
    }
    this.#tellRoom();
  }

  #clipsOf(batches: number): number {
    return batches * this.#maxBatch * this.#encoder.parallelism;
  }

  #tellRoom(): void {
    if (!this.#closed && this.#waiting.archive.length > this.#clipsOf(GO_ON_AT_BATCHES)) return;
    // All of them: who comes too late asks again.
    for (const tell of this.#wantRoom.splice(0)) tell();
  }

  #fill(): void {
    const { query, archive } = this.#waiting;
    while (this.#batchesInHand < this.#encoder.parallelism && query.length + archive.length > 0) {
      const batch = query.splice(0, this.#maxBatch);
      batch.push(...archive.splice(0, this.#maxBatch - batch.length));
      this.#batchesInHand += 1;
      void this.#encodeBatch(batch).finally(() => {
        this.#batchesInHand -= 1;
        this.#fill();
      });
    }
    this.#tellRoom();
  }

  async #encodeBatch(batch: Waiting[]): Promise<void> {
    const startedAt = performance.now();
    try {
      const pixels = batch.map((item) => item.pixels);
      const encoded = await this.#encoder.encode(pixels, batch.length);
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
