import { describe, expect, it } from 'vitest';
import { plainSums, sumRows, vectorSums } from '../../index/simd/weighted-rows.js';
import { randomNumbers, unitVectors } from '../vectors/vectors.js';

describe('sumRows', () => {
  it.each([
    { rows: 1, dimension: 4 },
    { rows: 7, dimension: 8 },
    // More than the first page of memory, then less again.
    { rows: 190, dimension: 256 },
    { rows: 76, dimension: 256 },
    // No whole vectors.
    { rows: 5, dimension: 6 },
  ])('$rows rows of $dimension values: as one value after another', ({ rows, dimension }) => {
    const random = randomNumbers(rows);
    const vectors = unitVectors(rows, dimension, rows);
    // Some without a share, also at the ends.
    const shares = Float32Array.from({ length: rows }, (_, row) =>
      row % 7 === 3 || (rows > 5 && row < 2) ? 0 : random() - 0.2,
    );
    const slow = plainSums(vectors, shares, dimension);
    for (const fast of [sumRows, vectorSums() ?? sumRows]) {
      if (fast !== sumRows && dimension % 4 !== 0) continue;
      const found = fast(vectors, shares, dimension);
      expect(found.squares).toBeCloseTo(slow.squares, 4);
      expect(found.sum).toHaveLength(dimension);
      for (let d = 0; d < dimension; d += 1) {
        expect(found.sum[d]).toBeCloseTo(slow.sum[d] as number, 5);
      }
    }
  });

  it('is 0 of no rows, and of rows without a share', () => {
    expect(sumRows(new Float32Array(), new Float32Array(), 4)).toEqual({
      sum: new Float32Array(4),
      squares: 0,
    });
    expect(sumRows(unitVectors(3, 4, 1), new Float32Array(3), 4)).toEqual({
      sum: new Float32Array(4),
      squares: 0,
    });
  });
});
