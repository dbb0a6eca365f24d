import type { ModelManifest } from './manifest.js';

export interface EncodedClips {
  /** [count, dimension], row-major, each row finite and unit-norm. */
  embeddings: Float32Array;
  /** [count, timesteps, dimension], row-major, each timestep finite and unit-norm; whitened when the model has a whitening. */
  timesteps: Float32Array;
}

export interface Encoder {
  /** At the precision that was opened. */
  readonly manifest: ModelManifest;
  /** `float32`, or that of a variant. */
  readonly precision: string;
  /** Batches that it can encode side by side: who gives it so many at a time keeps it busy. */
  readonly parallelism: number;
  /**
   * `pixels` is [count, frames, height, width, 3] RGB bytes, in one piece or in several that follow one another, copied before this
   * returns. ENCODE_FAILED when the outputs are not finite.
   */
  encode(pixels: Uint8Array | readonly Uint8Array[], count: number): Promise<EncodedClips>;
  close(): Promise<void>;
}
