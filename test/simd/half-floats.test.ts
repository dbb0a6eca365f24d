import { describe, expect, it } from 'vitest';
import { plainWidening, vectorWidening, widenHalves } from '../../index/simd/half-floats.js';

/** All there are, then some again, so that they are no whole number of vectors. */
const COUNT = 65_536 + 3;
const BYTES = Uint8Array.from({ length: 2 * COUNT }, (_, i) => ((i >> 1) >> (8 * (i % 2))) & 255);

describe('widenHalves', () => {
  it('gives every half as a float, by vectors as by the table', () => {
    const slow = new Float32Array(COUNT);
    plainWidening(BYTES, slow);
    expect(slow[0x3c00]).toBe(1);
    expect(slow[1]).toBe(2 ** -24);
    expect(slow[0xfc00]).toBe(Number.NEGATIVE_INFINITY);
    const fast = new Float32Array(COUNT);
    (vectorWidening() ?? plainWidening)(BYTES, fast);
    for (let half = 0; half < COUNT; half += 1) {
      if (!Object.is(fast[half], slow[half])) expect.fail(`${half}: ${fast[half]}, not ${slow[half]}`);
    }
  });

  it.each([0, 1, 5, 4096])(
    'reads %i numbers from bytes at odd places, and writes nothing beyond',
    (count) => {
      const odd = BYTES.slice(0, 2 * count + 1)
        .copyWithin(1, 0)
        .subarray(1);
      for (const widen of [widenHalves, plainWidening]) {
        const target = new Float32Array(count + 1).fill(7);
        widen(odd, target.subarray(0, count));
        expect(target[count]).toBe(7);
        if (count > 1) expect(target[1]).toBe(2 ** -24);
      }
    },
  );
});
