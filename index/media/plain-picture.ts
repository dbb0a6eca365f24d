import type { Preprocessing } from '../encoder/manifest.js';
import type { PlainKind } from './plain-kinds.js';

// Of 255. Compression leaves some noise: black of an encoder reached 0 to 20, a still picture differed from its first frame by up to 4 (mean
// 0.05). Of still cameras that see nothing move, the quietest differed by 7 (mean 0.6).
const BLACK = 32;
const FLAT_RANGE = 24;
const STILL_DIFFERENCE = 16;
const STILL_MEAN_DIFFERENCE = 0.3;

/** `pixels`: RGB bytes, [frames, height, width, 3]. Null for a clip in which something can be seen to move. */
export function plainKindOf(
  pixels: Uint8Array,
  { frames, width, height }: Pick<Preprocessing, 'frames' | 'width' | 'height'>,
): PlainKind | null {
  const frameBytes = width * height * 3;
  // The last frame first: where something moves, it is most likely to tell.
  for (let frame = frames - 1; frame > 0; frame -= 1) {
    if (!isSamePicture(pixels, frame * frameBytes, frameBytes)) return null;
  }
  const [red, green, blue] = [rangeOf(pixels, 0), rangeOf(pixels, 1), rangeOf(pixels, 2)];
  if (Math.max(red.most, green.most, blue.most) <= BLACK) return 'black';
  const isFlat = [red, green, blue].every(({ least, most }) => most - least <= FLAT_RANGE);
  return isFlat ? 'flat' : 'still';
}

/** As the first frame, apart from the noise of compression. */
function isSamePicture(pixels: Uint8Array, offset: number, frameBytes: number): boolean {
  const most = STILL_MEAN_DIFFERENCE * frameBytes;
  let sum = 0;
  for (let i = 0; i < frameBytes; i += 1) {
    const difference = Math.abs((pixels[offset + i] as number) - (pixels[i] as number));
    if (difference > STILL_DIFFERENCE) return false;
    sum += difference;
    if (sum > most) return false;
  }
  return true;
}

function rangeOf(pixels: Uint8Array, channel: number): { least: number; most: number } {
  let [least, most] = [255, 0];
  for (let i = channel; i < pixels.length; i += 3) {
    const value = pixels[i] as number;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return { least, most };
}
