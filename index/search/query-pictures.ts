import type { Preprocessing } from '../encoder/manifest.js';
import type { DecodedClip } from '../media/types.js';

/** Rows and columns of a picture, [top, bottom) and [left, right). */
export interface PictureArea {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

/** Luminance up to which a row or column that never shows anything else is a border; compression leaves some noise in black. */
const BLACK = 40;
/** Fewer rows than this are the edge of a camera's picture; more than that share, the picture itself. */
const LEAST_BORDER = 2;
const MOST_BORDER_SHARE = 0.35;
/** Mean difference of two successive frames, of 255, that may be a cut, and how much it must stand out from those around it. */
const CUT_DIFFERENCE = 12;
const CUT_PROMINENCE = 4;

/** Bounds memory: clips of the shipped encoder have 200 kB. */
const MAX_KEPT_CLIPS = 64;

/** What the pixels of a query tell beside its features: where it is cut, and whether black borders were put around it. */
export class QueryPictures {
  #clips: Uint8Array[] | null = [];
  readonly #width: number;
  readonly #height: number;
  readonly #frames: number;
  readonly #framesPerSecond: number;
  readonly #rowBrightness: Uint8Array;
  readonly #columnBrightness: Uint8Array;
  readonly #differences: { atSeconds: number; difference: number }[] = [];
  #seenUntilSeconds = Number.NEGATIVE_INFINITY;
  #last: Uint8Array | null = null;

  constructor({ width, height, frames, framesPerSecond }: Preprocessing) {
    this.#width = width;
    this.#height = height;
    this.#frames = frames;
    this.#framesPerSecond = framesPerSecond;
    this.#rowBrightness = new Uint8Array(height);
    this.#columnBrightness = new Uint8Array(width);
  }

  /** Pixels of every clip, in order; null when there are too many to keep (a file that does not say how long it is). */
  get clips(): readonly Uint8Array[] | null {
    return this.#clips;
  }

  add({ startSeconds, endSeconds, pixels }: DecodedClip): void {
    this.#clips?.push(pixels);
    if ((this.#clips?.length ?? 0) > MAX_KEPT_CLIPS) this.#clips = null;
    const frameBytes = this.#width * this.#height * 3;
    for (let frame = 0; frame < this.#frames; frame += 1) {
      const atSeconds = startSeconds + frame / this.#framesPerSecond;
      if (atSeconds < this.#seenUntilSeconds - 1e-6 || atSeconds >= endSeconds - 1e-6) continue;
      const picture = pixels.subarray(frame * frameBytes, (frame + 1) * frameBytes);
      // Where clips leave a gap, what lies between is unknown, and so is whether there is a cut.
      const follows = atSeconds - this.#seenUntilSeconds < 1e-6;
      this.#look(picture, follows ? atSeconds : null);
      this.#seenUntilSeconds = atSeconds + 1 / this.#framesPerSecond;
    }
  }

  /** Moments at which the picture changes at once, ascending: the time of the first frame after each. */
  cutsSeconds(): number[] {
    const found: number[] = [];
    this.#differences.forEach(({ atSeconds, difference }, i) => {
      if (difference < CUT_DIFFERENCE) return;
      const around = this.#differences
        .slice(Math.max(0, i - 4), i + 5)
        .map((other) => other.difference)
        .sort((a, b) => a - b);
      const usual = around[Math.floor(around.length / 2)] as number;
      if (difference > CUT_PROMINENCE * Math.max(usual, 1)) found.push(atSeconds);
    });
    return found;
  }

  /** The picture inside of black borders; null when there are none. */
  insideOfBorders(): PictureArea | null {
    const [top, bottom] = bright(this.#rowBrightness);
    const [left, right] = bright(this.#columnBrightness);
    const removed = [top, this.#height - bottom, left, this.#width - right];
    return removed.some((count) => count > 0) ? { top, bottom, left, right } : null;
  }

  #look(picture: Uint8Array, followsAtSeconds: number | null): void {
    // Every pixel of the query passes here: what is looked up stands in variables.
    const [width, height, columns] = [this.#width, this.#height, this.#columnBrightness];
    const last = this.#last ?? picture;
    let difference = 0;
    for (let y = 0, i = 0; y < height; y += 1) {
      let row = this.#rowBrightness[y] as number;
      for (let x = 0; x < width; x += 1, i += 3) {
        const red = picture[i] as number;
        // Green is most of the luminance.
        const green = picture[i + 1] as number;
        const blue = picture[i + 2] as number;
        const brightness = Math.max(red, green, blue);
        if (brightness > row) row = brightness;
        if (brightness > (columns[x] as number)) columns[x] = brightness;
        const change = green - (last[i + 1] as number);
        difference += change < 0 ? -change : change;
      }
      this.#rowBrightness[y] = row;
    }
    if (this.#last && followsAtSeconds !== null) {
      this.#differences.push({
        atSeconds: followsAtSeconds,
        difference: difference / (width * height),
      });
    }
    this.#last = picture;
  }
}

/** First and one past the last line that is not black; a border too thin or too thick to be one is none. */
function bright(lines: Uint8Array): [number, number] {
  const count = lines.length;
  let first = 0;
  while (first < count && (lines[first] as number) <= BLACK) first += 1;
  let end = count;
  while (end > first && (lines[end - 1] as number) <= BLACK) end -= 1;
  const plausible = (size: number) => size >= LEAST_BORDER && size <= count * MOST_BORDER_SHARE;
  return [plausible(first) ? first : 0, plausible(count - end) ? end : count];
}
