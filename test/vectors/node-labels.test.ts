import { describe, expect, it } from 'vitest';
import { LabelCounts } from '../../index/vectors/label-counts.js';
import { NearestLabels } from '../../index/vectors/nearest-labels.js';
import { MAXIMUM_LABEL } from '../../index/vectors/twin-groups.js';
import { randomNumbers } from './vectors.js';

const random = randomNumbers(31);
/** Near one another, across a page, and the last ones that there are. */
const labels = [0, 1, 2, 4095, 4096, 4097, 70_000, 2 ** 31, MAXIMUM_LABEL - 1, MAXIMUM_LABEL];
const anyLabel = () => labels[Math.floor(random() * labels.length)] as number;

describe('LabelCounts', () => {
  it('agrees with a map of counts, also after pages were written down and read', () => {
    let counts = new LabelCounts();
    const expected = new Map<number, number>();
    for (let step = 0; step < 5000; step += 1) {
      const label = anyLabel();
      if (random() < 0.002) {
        counts.reset(label);
        expected.delete(label);
      } else {
        const count = Math.min(255, (expected.get(label) ?? 0) + 1);
        expected.set(label, count);
        expect(counts.increment(label)).toBe(count);
      }
      if (step % 500 === 0) counts = LabelCounts.restore(JSON.parse(JSON.stringify(counts.pages())));
    }
  });

  it('refuses pages of another size', () => {
    expect(() => LabelCounts.restore([[3, 'AAAA']])).toThrow('page 3 has 3 counts');
  });
});

describe('NearestLabels', () => {
  it('agrees with a map', () => {
    const nearest = new NearestLabels();
    const expected = new Map<number, number>();
    for (let step = 0; step < 3000; step += 1) {
      const [label, other] = [anyLabel(), anyLabel()];
      if (random() < 0.1) {
        nearest.delete(label);
        expected.delete(label);
      } else if (label !== other) {
        nearest.set(label, other);
        expected.set(label, other);
      }
      const sought = anyLabel();
      const found = [...expected].flatMap(([key, value]) => (value === sought ? [key] : []));
      expect(nearest.labelsOf(sought).sort((a, b) => a - b)).toEqual(found.sort((a, b) => a - b));
    }
  });
});
