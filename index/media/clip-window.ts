import type { Preprocessing } from '../encoder/manifest.js';
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
  /** The last `frames` frames, the oldest first. */
  #recent: Uint8Array[] = [];
  #count = 0;
  /** One past the last frame that a clip covers. */
  #covered = 0;

  constructor(
    { frames, framesPerSecond }: Pick<Preprocessing, 'frames' | 'framesPerSecond'>,
    hopSeconds: number,
    firstFrameSeconds: number,
  ) {
    this.#frames = frames;
    this.#hop = Math.max(1, Math.round(hopSeconds * framesPerSecond));
    this.#framesPerSecond = framesPerSecond;
    this.#firstFrameSeconds = firstFrameSeconds;
  }

  get frameCount(): number {
    return this.#count;
  }

  /** The clip that this frame completes, if it completes one. */
  push(frame: Uint8Array): DecodedClip | null {
    this.#recent.push(frame);
    if (this.#recent.length > this.#frames) this.#recent.shift();
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
    const available = this.#recent.length;
    const frameBytes = this.#recent[0]?.length ?? 0;
    const pixels = new Uint8Array(this.#frames * frameBytes);
    for (let i = 0; i < this.#frames; i += 1) {
      pixels.set(this.#recent[i % available] as Uint8Array, i * frameBytes);
    }
    this.#covered = Math.min(first + this.#frames, this.#count);
    return {
      startSeconds: this.#firstFrameSeconds + first / this.#framesPerSecond,
      endSeconds: this.#firstFrameSeconds + this.#covered / this.#framesPerSecond,
      pixels,
    };
  }
}
