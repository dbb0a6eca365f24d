import { describe, expect, it } from 'vitest';
import { IdSet } from '../../index/vectors/id-set.js';
import { randomNumbers } from './vectors.js';

describe('IdSet', () => {
  it('agrees with a Set over thousands of random changes, over the whole range', () => {
    const random = randomNumbers(5);
    const ids = new IdSet();
    const reference = new Set<number>();
    const edges = [0, 31, 32, 32767, 32768, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
    for (let step = 0; step < 5_000; step += 1) {
      const id = step < 8 ? (edges[step] as number) : Math.floor(random() * (step % 2 === 0 ? 500 : 2 ** 32));
      if (random() < 0.6) {
        ids.add(id);
        reference.add(id);
      } else {
        expect(ids.delete(id)).toBe(reference.delete(id));
      }
      expect(ids.has(id)).toBe(reference.has(id));
      expect(ids.size).toBe(reference.size);
    }
    for (const id of edges) ids.add(id);
    for (const id of edges) reference.add(id);
    const sorted = (values: Iterable<number>) => [...values].sort((a, b) => a - b);
    expect(sorted(ids.values())).toEqual(sorted(reference));
  });
});
