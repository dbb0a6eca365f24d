import { describe, expect, it } from 'vitest';
import { isSurelyFound } from '../../index/search/mirror-look.js';

const DIMENSION = 2;

describe('isSurelyFound', () => {
  it('asks for three clips from the middles of equal parts, and wants them near', async () => {
    const embeddings = Float32Array.from({ length: 9 * DIMENSION }, (_, i) => Math.floor(i / DIMENSION));
    const asked: number[][] = [];
    const near = (similarity: number) => async (rows: Float32Array) => {
      asked.push([...rows]);
      return Array.from({ length: rows.length / DIMENSION }, () => similarity);
    };
    expect(await isSurelyFound(embeddings, DIMENSION, near(0.99))).toBe(true);
    expect(await isSurelyFound(embeddings, DIMENSION, near(0.98))).toBe(false);
    expect(asked[0]).toEqual([1, 1, 4, 4, 7, 7]);
  });

  it('says no of no clips, and asks nothing', async () => {
    const refuse = () => Promise.reject(new Error('asked'));
    expect(await isSurelyFound(new Float32Array(), DIMENSION, refuse)).toBe(false);
  });
});
