import { describe, expect, it } from 'vitest';
import { PlainResidentRows, residentRows } from '../../index/simd/resident-rows.js';
import { rowOf, unitVectors } from '../vectors/vectors.js';

describe('residentRows', () => {
  it.each([
    { dimension: 4, count: 1 },
    { dimension: 16, count: 67 },
    // Beyond the first page of memory, and grown more than once.
    { dimension: 256, count: 301 },
    // No whole vectors.
    { dimension: 6, count: 70 },
  ])('$count rows of $dimension values, changed in between: as one after another', ({ dimension, count }) => {
    const vectors = unitVectors(count + 1, dimension, 3);
    const queries = unitVectors(3, dimension, 4);
    const [rows, slow] = [residentRows(dimension), new PlainResidentRows(dimension)];
    for (let row = 0; row < count; row += 1) {
      for (const each of [rows, slow]) each.set(row, rowOf(vectors, row, dimension));
      const query = row % 3;
      const expected = slow.products(queries, query, row + 1);
      const found = rows.products(queries, query, row + 1);
      expect(found).toHaveLength(row + 1);
      found.forEach((product, other) => {
        expect(product).toBeCloseTo(expected[other] as number, 6);
      });
    }
    const changed = Math.floor(count / 2);
    rows.set(changed, rowOf(vectors, count, dimension));
    expect(rows.get(changed)).toEqual(rowOf(vectors, count, dimension));
    expect(rows.get(count - 1)).toEqual(rowOf(vectors, count === 1 ? count : count - 1, dimension));
    expect(rows.products(rowOf(vectors, count, dimension), 0, count)[changed]).toBeCloseTo(1, 6);
  });

  it('has nothing to say of no rows', () => {
    expect(residentRows(8).products(unitVectors(1, 8, 1), 0, 0)).toHaveLength(0);
  });
});
