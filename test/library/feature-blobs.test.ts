import { describe, expect, it } from 'vitest';
import {
  decodeFloat16,
  decodeFloat32,
  encodeFloat16,
  encodeFloat32,
} from '../../index/library/feature-blobs.js';
import { randomNumbers } from '../vectors/vectors.js';

/** Every finite half, computed from the definition of binary16, ascending. */
const HALVES = Array.from({ length: 0x7c00 }, (_, half) => {
  const exponent = half >> 10;
  const fraction = half & 0x3ff;
  return exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
});

/** The nearest half by trying its neighbours; of two equally near the even one. */
function nearestHalf(value: number): number {
  const magnitude = Math.abs(value);
  let low = 0;
  let high = HALVES.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((HALVES[middle] as number) <= magnitude) low = middle;
    else high = middle;
  }
  const below = magnitude - (HALVES[low] as number);
  const above = (HALVES[high] as number) - magnitude;
  const chosen = below < above || (below === above && low % 2 === 0) ? low : high;
  return Math.sign(value) * (HALVES[chosen] as number);
}

function throughFloat16(values: readonly number[]): number[] {
  const source = Float32Array.from(values);
  const target = new Float32Array(source.length);
  decodeFloat16(encodeFloat16(source), target, 0, source.length);
  return [...target];
}

describe('float16', () => {
  it('rounds to the nearest half, as a search among all halves does', () => {
    const random = randomNumbers(1);
    const values = Array.from({ length: 20_000 }, () =>
      Math.fround((random() * 2 - 1) * 2 ** (random() * 36 - 26)),
    );
    const finite = values.filter((value) => Math.abs(value) <= 65504);
    expect(throughFloat16(finite)).toEqual(finite.map(nearestHalf));
  });

  it('keeps every half, breaks ties to even, and knows the ends of its range', () => {
    expect(throughFloat16(HALVES)).toEqual(HALVES);
    expect(throughFloat16([1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -25, 3 * 2 ** -25])).toEqual([
      1,
      1 + 2 ** -9,
      0,
      2 ** -23,
    ]);
    expect(throughFloat16([65519, 65520, -1e30])).toEqual([
      65504,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ]);
    expect(throughFloat16([Number.NaN, Number.POSITIVE_INFINITY])).toEqual([
      Number.NaN,
      Number.POSITIVE_INFINITY,
    ]);
    expect(encodeFloat16(Float32Array.of(1))).toEqual(Buffer.from([0x00, 0x3c]));
  });
});

describe('float32', () => {
  it('is little-endian, and a copy', () => {
    const values = Float32Array.of(0, 1, -2.5);
    const blob = encodeFloat32(values.subarray(1));
    values[1] = 9;
    expect(blob).toEqual(Buffer.from([0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0]));
    const target = new Float32Array(3);
    decodeFloat32(blob, target, 1, 2);
    expect([...target]).toEqual([0, 1, -2.5]);
  });

  it('of another length is a damaged library', () => {
    const target = new Float32Array(4);
    expect(() => decodeFloat32(Buffer.alloc(12), target, 0, 4)).toThrowError(
      expect.objectContaining({ code: 'LIBRARY_DAMAGED', message: expect.stringContaining('12 bytes') }),
    );
    expect(() => decodeFloat16(Buffer.alloc(9), target, 0, 4)).toThrowError(
      expect.objectContaining({ code: 'LIBRARY_DAMAGED' }),
    );
  });
});
