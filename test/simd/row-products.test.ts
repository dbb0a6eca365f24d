import { describe, expect, it } from 'vitest';
import { placeProducts, plainPlaceProducts } from '../../index/simd/row-products.js';
import { unitVectors } from '../vectors/vectors.js';

describe('placeProducts', () => {
  it.each([
    { leftRows: 1, rightRows: 1, places: 1, dimension: 4 },
    { leftRows: 5, rightRows: 7, places: 4, dimension: 8 },
    { leftRows: 3, rightRows: 8, places: 4, dimension: 256 },
    // More than the first page of memory, then less again.
    { leftRows: 48, rightRows: 61, places: 4, dimension: 256 },
    { leftRows: 2, rightRows: 3, places: 2, dimension: 16 },
    // No whole vectors.
    { leftRows: 3, rightRows: 5, places: 2, dimension: 6 },
  ])('$leftRows x $rightRows rows at $places places of $dimension values: as one after another', (shape) => {
    const { leftRows, rightRows, places, dimension } = shape;
    const left = unitVectors(leftRows * places, dimension, 1);
    const right = unitVectors(rightRows * places, dimension, 2);
    const fast = placeProducts({ left, right, places, dimension });
    const slow = plainPlaceProducts({ left, right, places, dimension });
    expect(fast.stride).toBeGreaterThanOrEqual(rightRows);
    for (let row = 0; row < places * leftRows; row += 1) {
      for (let column = 0; column < rightRows; column += 1) {
        const value = fast.values[row * fast.stride + column] as number;
        expect(value).toBeCloseTo(slow.values[row * slow.stride + column] as number, 6);
      }
    }
  });

  it('has nothing to say of no rows', () => {
    const right = unitVectors(4, 8, 3);
    expect(placeProducts({ left: new Float32Array(), right, places: 4, dimension: 8 }).values).toHaveLength(
      0,
    );
  });
});
