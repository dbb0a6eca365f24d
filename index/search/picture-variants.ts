import type { Preprocessing } from '../encoder/manifest.js';
import type { PictureArea } from './query-pictures.js';

type Size = Pick<Preprocessing, 'width' | 'height'>;

/** A clip as a mirror shows it. `pixels` is [frames, height, width, 3]. */
export function mirrored(pixels: Uint8Array, { width }: Size): Uint8Array {
  const flipped = new Uint8Array(pixels.length);
  const rowBytes = width * 3;
  for (let row = 0; row < pixels.length; row += rowBytes) {
    for (let x = 0; x < rowBytes; x += 3) {
      const from = row + x;
      const to = row + rowBytes - 3 - x;
      flipped[to] = pixels[from] as number;
      flipped[to + 1] = pixels[from + 1] as number;
      flipped[to + 2] = pixels[from + 2] as number;
    }
  }
  return flipped;
}

/** An area of each frame, stretched to the whole frame (bilinear). `pixels` is [frames, height, width, 3]. */
export function stretched(pixels: Uint8Array, area: PictureArea, { width, height }: Size): Uint8Array {
  const out = new Uint8Array(pixels.length);
  const columns = samples(area.left, area.right, width);
  const rows = samples(area.top, area.bottom, height);
  const frameBytes = width * height * 3;
  for (let frame = 0; frame < pixels.length; frame += frameBytes) {
    let to = frame;
    for (const row of rows) {
      const above = frame + row.first * width * 3;
      const below = frame + row.second * width * 3;
      for (const column of columns) {
        for (let channel = 0; channel < 3; channel += 1) {
          const left = column.first * 3 + channel;
          const right = column.second * 3 + channel;
          const upper = mix(pixels[above + left] as number, pixels[above + right] as number, column.weight);
          const lower = mix(pixels[below + left] as number, pixels[below + right] as number, column.weight);
          out[to] = Math.round(mix(upper, lower, row.weight));
          to += 1;
        }
      }
    }
  }
  return out;
}

interface Sample {
  first: number;
  second: number;
  weight: number;
}

/** For each of `count` pixels, the two of [from, to) that its centre lies between. */
function samples(from: number, to: number, count: number): Sample[] {
  const scale = (to - from) / count;
  return Array.from({ length: count }, (_, i) => {
    const at = Math.min(to - 1, Math.max(from, from + (i + 0.5) * scale - 0.5));
    const first = Math.floor(at);
    return { first, second: Math.min(first + 1, to - 1), weight: at - first };
  });
}

function mix(a: number, b: number, weight: number): number {
  return a + weight * (b - a);
}
