import { describe, expect, it } from 'vitest';
import { ExactIndex } from '../../index/vectors/exact-index.js';
import { ranked, TopK } from '../../index/vectors/top-k.js';
import { randomNumbers, rowOf, unitVectors } from './vectors.js';

describe('TopK', () => {
  it.each([0, 1, 2, 7, 50, 100])('keeps what sorting all and cutting at %i keeps', (k) => {
    const random = randomNumbers(k + 1);
    for (let round = 0; round < 50; round += 1) {
      // Coarse values, so that there are ties.
      const ids = Array.from({ length: 50 }, (_, i) => i * 3).sort(() => random() - 0.5);
      const similarities = ids.map(() => Math.round(random() * 10) / 10);
      const best = new TopK(k);
      ids.forEach((id, i) => {
        best.offer(id, similarities[i] as number);
      });
      const sorted = ids
        .map((id, i) => ({ id, similarity: similarities[i] as number }))
        .sort((a, b) => b.similarity - a.similarity || a.id - b.id)
        .slice(0, k);
      expect(best.take()).toEqual({
        ids: sorted.map(({ id }) => id),
        similarities: sorted.map(({ similarity }) => similarity),
      });
    }
  });

  it('brings cosines that rounding carried beyond their range back into it', () => {
    expect(ranked([1, 2, 3], [1.0000001, -1.0000001, 0.5], 3).similarities).toEqual([1, 0.5, -1]);
  });
});

describe('ExactIndex', () => {
  it('answers closed forms: itself, the orthogonal, the opposite', async () => {
    const index = new ExactIndex(3);
    await index.add([10, 20, 30], Float32Array.of(1, 0, 0, 0, 1, 0, -1, 0, 0));
    expect(await index.search(Float32Array.of(1, 0, 0), 5)).toEqual([
      { ids: [10, 20, 30], similarities: [1, 0, -1] },
    ]);
  });

  it('adds, replaces, removes and adds again, as a map of vectors does', async () => {
    const dimension = 4;
    const index = new ExactIndex(dimension);
    const mirror = new Map<number, Float32Array>();
    const random = randomNumbers(9);
    const vectors = unitVectors(600, dimension, 1);
    for (let step = 0; step < 600; step += 1) {
      const id = Math.floor(random() * 100);
      if (random() < 0.3) {
        await index.remove([id, 5000]);
        mirror.delete(id);
      } else {
        const vector = rowOf(vectors, step, dimension);
        await index.add([id], vector);
        mirror.set(id, vector);
      }
    }
    expect(await index.size()).toBe(mirror.size);
    for (const [id, vector] of mirror) {
      const [answer] = await index.search(vector, 1000);
      expect(answer?.ids[0]).toBe(id);
      expect([...(answer?.ids ?? [])].sort()).toEqual([...mirror.keys()].sort());
    }
  });

  it('refuses what is no unit vector and adds nothing of its batch', async () => {
    const index = new ExactIndex(2);
    await expect(index.add([1, 2], Float32Array.of(1, 0, Number.NaN, 0))).rejects.toMatchObject({
      code: 'VECTOR_INVALID',
    });
    await expect(index.search(Float32Array.of(1, 0, 1), 1)).rejects.toMatchObject({ code: 'VECTOR_INVALID' });
    expect(await index.size()).toBe(0);
  });
});
