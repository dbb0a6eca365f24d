import { expect, test } from 'vitest';
import { latticeClip } from '../../index/encoder/check-input.js';

test.each([
  [{ frames: 16, height: 80, width: 80 }, 1],
  [{ frames: 3, height: 5, width: 7 }, 0],
  [{ frames: 8, height: 112, width: 144 }, 255],
])('the lattice of %j with seed %i is its formula, byte by byte', (shape, seed) => {
  const { frames, height, width } = shape;
  const expected: number[] = [];
  for (let t = 0; t < frames; t += 1)
    for (let y = 0; y < height; y += 1)
      for (let x = 0; x < width; x += 1)
        for (let c = 0; c < 3; c += 1)
          expected.push((3 * x + 5 * y + 7 * t + 11 * c + 13 * seed + ((x * y) >> 3) * (t + 1)) & 255);
  const clip = latticeClip(shape, seed);
  expect(clip).toHaveLength(frames * height * width * 3);
  expect(Buffer.from(clip).equals(Buffer.from(expected))).toBe(true);
});

test('the lattice begins with numbers worked out by hand', () => {
  const clip = latticeClip({ frames: 2, height: 4, width: 4 }, 1);
  // (t 0, y 0, x 0): 13, 24, 35; x 1: + 3.
  expect([...clip.subarray(0, 6)]).toEqual([13, 24, 35, 16, 27, 38]);
  // (t 1, y 3, x 3, c 0): 9 + 15 + 7 + 13 + (9 >> 3) * 2.
  expect(clip.at(-3)).toBe(46);
});
