import type { Preprocessing } from '../encoder/manifest.js';
import { ClipPool } from './clip-pool.js';
import type { DecodedClip } from './types.js';

/**
 * Cuts a row of frames into clips of `frames` frames, one every `hop` frames.
 *
 * - Clip i covers the frames [i * hop, i * hop + frames).
 * - When the last such clip ends before the last frame, one more clip is laid that ends with it, so that every
 *   frame is covered.
 * - A row shorter than one clip is repeated: frame j of the only clip is frame j mod n.
 */
export class ClipWindow {
  readonly #frames: number;
  readonly #hop: number;
  readonly #framesPerSecond: number;
  readonly #firstFrameSeconds: number;
  readonly #pool: ClipPool;
  /** The last `frames` frames: frame i lies at i mod `frames`. */
  #recent = new Uint8Array();
  #frameBytes = 0;
  #count = 0;
  /** One past the last frame that a clip covers. */
  #covered = 0;

  constructor(
    { frames, framesPerSecond }: Pick<Preprocessing, 'frames' | 'framesPerSecond'>,
    hopSeconds: number,
    firstFrameSeconds: number,
    pool = new ClipPool(),
  ) {
    this.#frames = frames;
    this.#hop = Math.max(1, Math.round(hopSeconds * framesPerSecond));
    this.#framesPerSecond = framesPerSecond;
    this.#firstFrameSeconds = firstFrameSeconds;
    this.#pool = pool;
  }

  get frameCount(): number {
    return this.#count;
  }

  /** The clip that this frame completes, if it completes one. The frame is copied. */
  push(frame: Uint8Array): DecodedClip | null {
    if (this.#count === 0) {
      this.#frameBytes = frame.length;
      this.#recent = new Uint8Array(this.#frames * frame.length);
    }
    this.#recent.set(frame, (this.#count % this.#frames) * this.#frameBytes);
    this.#count += 1;
    const first = this.#count - this.#frames;
    return first >= 0 && first % this.#hop === 0 ? this.#clip(first) : null;
  }

  /** The last clip, when the clips so far do not cover the last frame. */
  end(): DecodedClip | null {
    if (this.#count === 0 || this.#covered === this.#count) return null;
    return this.#clip(Math.max(0, this.#count - this.#frames));
  }

  /** The clip that begins at frame `first` and is made of the recent frames. */
  #clip(first: number): DecodedClip {
    const available = Math.min(this.#count, this.#frames);
    const pixels = this.#pool.take(this.#recent.length);
    for (let i = 0; i < this.#frames; i += 1) {
      const from = ((first + (i % available)) % this.#frames) * this.#frameBytes;
      pixels.set(this.#recent.subarray(from, from + this.#frameBytes), i * this.#frameBytes);
    }
    this.#covered = Math.min(first + this.#frames, this.#count);
    return {
      startSeconds: this.#firstFrameSeconds + first / this.#framesPerSecond,
      endSeconds: this.#firstFrameSeconds + this.#covered / this.#framesPerSecond,
      pixels,
    };
  }
}
