/** Sizes of one clip. */
export interface ClipShape {
  frames: number;
  height: number;
  width: number;
}

/**
 * The synthetic clip `cliptrace-lattice-1`, on which a model's check vectors stand.
 * Returns RGB bytes, [frames, height, width, 3], row-major:
 * (3x + 5y + 7t + 11c + 13 seed + ((x y) >> 3)(t + 1)) mod 256.
 */
export function latticeClip({ frames, height, width }: ClipShape, seed: number): Uint8Array {
  const pixels = new Uint8Array(frames * height * width * 3);
  let at = 0;
  for (let t = 0; t < frames; t += 1) {
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const base = 3 * x + 5 * y + 7 * t + 13 * seed + ((x * y) >> 3) * (t + 1);
        for (let c = 0; c < 3; c += 1) {
          // A typed array keeps the low eight bits, as `& 255` does.
          pixels[at] = base + 11 * c;
          at += 1;
        }
      }
    }
  }
  return pixels;
}
