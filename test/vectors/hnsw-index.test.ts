import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ExactIndex } from '../../index/vectors/exact-index.js';
import { HnswIndex } from '../../index/vectors/hnsw-index.js';
import type { Neighbours } from '../../index/vectors/types.js';
import { clusteredUnitVectors, randomNumbers, rowOf, unitVectors } from './vectors.js';

function openIndex(dimension: number): HnswIndex {
  const index = new HnswIndex(dimension);
  onTestFinished(() => index.close());
  return index;
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}

/** Share of the exact neighbours that were found, over all queries. */
function recallOf(found: readonly Neighbours[], exact: readonly Neighbours[]): number {
  let hits = 0;
  let total = 0;
  exact.forEach(({ ids }, query) => {
    const expected = new Set(ids);
    hits += (found[query]?.ids ?? []).filter((id) => expected.has(id)).length;
    total += ids.length;
  });
  return hits / total;
}

describe('an index of 10,000 clustered vectors of dimension 256', () => {
  const dimension = 256;
  const count = 10_000;
  const vectors = clusteredUnitVectors(count + 1000, dimension, { clusters: 200, spread: 0.7, seed: 11 });
  const queries = clusteredUnitVectors(100, dimension, { clusters: 200, spread: 0.9, seed: 11 });
  const exact = new ExactIndex(dimension);
  let index: HnswIndex;

  beforeAll(async () => {
    index = new HnswIndex(dimension);
    const first = vectors.subarray(0, count * dimension);
    await exact.add(range(1, count + 1), first);
    await index.add(range(1, count + 1), first);
  });

  afterAll(() => index.close());

  it('has recall@10 of at least 0.99 against exact search, and the same similarities', async () => {
    const found = await index.search(queries, 10);
    const expected = await exact.search(queries, 10);
    expect(recallOf(found, expected)).toBeGreaterThanOrEqual(0.99);
    const deep = recallOf(await index.search(queries, 100), await exact.search(queries, 100));
    expect(deep).toBeGreaterThanOrEqual(0.99);
    found.forEach((neighbours, query) => {
      const known = new Map(
        expected[query]?.ids.map((id, rank) => [id, expected[query]?.similarities[rank]]),
      );
      neighbours.ids.forEach((id, rank) => {
        if (known.has(id)) expect(neighbours.similarities[rank]).toBeCloseTo(known.get(id) as number, 5);
      });
    });
  });

  it('answers searches ahead of an insertion that is under way, and keeps its recall through removals', async () => {
    const removed = range(1, count + 1).filter((id) => id % 5 === 0);
    await exact.remove(removed);
    await index.remove(removed);
    const added = vectors.subarray(count * dimension);
    await exact.add(range(count + 1, count + 1001), added);
    const order: string[] = [];
    const insertion = index.add(range(count + 1, count + 1001), added).then(() => order.push('insertion'));
    for (let i = 0; i < 5; i += 1) {
      const [answer] = await index.search(rowOf(queries, i, dimension), 10);
      expect(answer?.ids).toHaveLength(10);
      order.push('search');
    }
    await insertion;
    expect(order).toEqual(['search', 'search', 'search', 'search', 'search', 'insertion']);

    expect(await index.size()).toBe(await exact.size());
    const found = await index.search(queries, 10);
    expect(found.flatMap(({ ids }) => ids).filter((id) => id % 5 === 0 && id <= count)).toEqual([]);
    expect(recallOf(found, await exact.search(queries, 10))).toBeGreaterThanOrEqual(0.99);
  });

  it('takes searchEf: many candidates find nearly everything', async () => {
    const some = queries.subarray(0, 30 * dimension);
    const expected = await exact.search(some, 10);
    const few = recallOf(await index.search(some, 10, { searchEf: 10 }), expected);
    const many = recallOf(await index.search(some, 10, { searchEf: 400 }), expected);
    expect(many).toBeGreaterThanOrEqual(few);
    expect(many).toBeGreaterThanOrEqual(0.996);
  });
});

describe('any k', () => {
  it('gives all there is when k is larger, in the exact order', async () => {
    const index = openIndex(16);
    const exact = new ExactIndex(16);
    expect(await index.search(unitVectors(2, 16, 1), 10)).toEqual([
      { ids: [], similarities: [] },
      { ids: [], similarities: [] },
    ]);
    const vectors = unitVectors(300, 16, 2);
    await index.add(range(1, 301), vectors);
    await exact.add(range(1, 301), vectors);
    for (const k of [0, 1, 299, 300, 301, 5000]) {
      const [found] = await index.search(unitVectors(1, 16, 3), k);
      const [expected] = await exact.search(unitVectors(1, 16, 3), k);
      expect(found?.ids).toEqual(expected?.ids);
    }
  });

  it('gives every live one beside many deleted ones', async () => {
    const index = openIndex(16);
    const vectors = unitVectors(1000, 16, 2);
    await index.add(range(1, 1001), vectors);
    await index.remove(range(1, 991));
    await index.remove([4, 4, 123456]);
    expect(await index.size()).toBe(10);
    const [found] = await index.search(rowOf(vectors, 0, 16), 50);
    expect([...(found?.ids ?? [])].sort((a, b) => a - b)).toEqual(range(991, 1001));
    await index.remove(range(991, 1001));
    expect(await index.search(rowOf(vectors, 0, 16), 5)).toEqual([{ ids: [], similarities: [] }]);
    await index.add([7], rowOf(vectors, 6, 16));
    expect(await index.search(rowOf(vectors, 6, 16), 5)).toEqual([
      { ids: [7], similarities: [expect.closeTo(1)] },
    ]);
  });
});

describe('removed ids', () => {
  it('come back with the vector that they are added again with', async () => {
    const index = openIndex(16);
    const exact = new ExactIndex(16);
    const vectors = unitVectors(400, 16, 5);
    await index.add(range(1, 201), vectors.subarray(0, 200 * 16));
    await index.remove(range(1, 101));
    await index.add(range(1, 101), vectors.subarray(200 * 16, 300 * 16));
    await exact.add(range(101, 201), vectors.subarray(100 * 16, 200 * 16));
    await exact.add(range(1, 101), vectors.subarray(200 * 16, 300 * 16));
    const queries = vectors.subarray(300 * 16);
    expect(recallOf(await index.search(queries, 10), await exact.search(queries, 10))).toBeGreaterThanOrEqual(
      0.99,
    );
    expect(await index.counts()).toMatchObject({ liveCount: 200, deletedCount: 0 });
  });

  it('leave the graph when it is compacted, and answers stay', async () => {
    const index = openIndex(16);
    const vectors = unitVectors(1000, 16, 6);
    await index.add(range(1, 1001), vectors);
    await index.remove(range(1, 801));
    const queries = unitVectors(20, 16, 7);
    const before = await index.search(queries, 10);
    expect(await index.counts()).toEqual({ liveCount: 200, nodeCount: 200, hubCount: 0, deletedCount: 800 });
    await index.compact();
    expect(await index.counts()).toEqual({ liveCount: 200, nodeCount: 200, hubCount: 0, deletedCount: 0 });
    expect(recallOf(await index.search(queries, 10), before)).toBeGreaterThanOrEqual(0.99);
  });
});

describe('equal vectors', () => {
  it('do not cut others off, and are all found', async () => {
    const dimension = 32;
    const count = 3000;
    const index = openIndex(dimension);
    const exact = new ExactIndex(dimension);
    const vectors = clusteredUnitVectors(count, dimension, { clusters: 60, spread: 0.7, seed: 21 });
    // A third are copies of three vectors: a test card, a black leader, a still.
    for (let row = 0; row < count; row += 3) {
      vectors.copyWithin(
        row * dimension,
        ((row / 3) % 3) * dimension + dimension,
        ((row / 3) % 3) * dimension + 2 * dimension,
      );
    }
    await index.add(range(1, count + 1), vectors);
    await exact.add(range(1, count + 1), vectors);
    for (let row = 1; row < count; row += 30) {
      const [found] = await index.search(rowOf(vectors, row, dimension), 1);
      expect(found?.similarities[0]).toBeCloseTo(1, 5);
    }
    const copy = rowOf(vectors, 0, dimension);
    const [found] = await index.search(copy, 400);
    const [expected] = await exact.search(copy, 400);
    expect(found?.ids).toEqual(expected?.ids);
    // Removing all copies but one keeps that one.
    await index.remove(
      range(0, count)
        .filter((row) => row % 9 === 0 && row > 0)
        .map((row) => row + 1),
    );
    expect((await index.search(copy, 1))[0]?.ids).toEqual([1]);
  });

  it('agree with exact search over random additions, replacements and removals', async () => {
    const dimension = 8;
    const index = openIndex(dimension);
    const exact = new ExactIndex(dimension);
    const random = randomNumbers(8);
    const palette = unitVectors(12, dimension, 9);
    for (let step = 0; step < 600; step += 1) {
      const id = Math.floor(random() * 60);
      if (random() < 0.4) {
        await Promise.all([index.remove([id]), exact.remove([id])]);
      } else {
        const vector = rowOf(palette, Math.floor(random() * 12), dimension);
        await Promise.all([index.add([id], vector), exact.add([id], vector)]);
      }
    }
    expect(await index.size()).toBe(await exact.size());
    const found = await index.search(palette, 60);
    const expected = await exact.search(palette, 60);
    found.forEach((neighbours, query) => {
      expect([...neighbours.ids].sort()).toEqual([...(expected[query]?.ids ?? [])].sort());
      neighbours.similarities.forEach((similarity, rank) => {
        expect(similarity).toBeCloseTo(expected[query]?.similarities[rank] as number, 5);
      });
    });
  });
});

describe('what is no unit vector', () => {
  let index: HnswIndex;
  beforeAll(() => {
    index = new HnswIndex(4);
  });
  afterAll(() => index.close());

  it.each([
    ['NaN', Float32Array.of(Number.NaN, 0, 0, 1)],
    ['infinity', Float32Array.of(Number.POSITIVE_INFINITY, 0, 0, 1)],
    ['zero', new Float32Array(4)],
    ['too long', Float32Array.of(1, 1, 0, 0)],
    ['another dimension', Float32Array.of(1, 0, 0)],
  ])('%s is refused by add and search, and nothing of its batch is added', async (_, vector) => {
    const batch = Float32Array.of(1, 0, 0, 0, ...vector);
    await expect(index.add([1, 2], batch)).rejects.toMatchObject({ code: 'VECTOR_INVALID' });
    await expect(index.search(vector, 1)).rejects.toMatchObject({ code: 'VECTOR_INVALID' });
    expect(await index.size()).toBe(0);
  });

  it.each([-1, 1.5, 2 ** 32, Number.NaN])('the id %s is refused', async (id) => {
    await expect(index.add([id], Float32Array.of(1, 0, 0, 0))).rejects.toMatchObject({ code: 'INDEX_FULL' });
  });

  it('the largest id is none of them', async () => {
    await index.add([2 ** 32 - 1, 0], Float32Array.of(1, 0, 0, 0, 0, 1, 0, 0));
    expect((await index.search(Float32Array.of(1, 0, 0, 0), 1))[0]?.ids).toEqual([2 ** 32 - 1]);
  });
});

describe('additions at the same time', () => {
  it('do not touch one another, small or large, and none is touched by what the caller does afterwards', async () => {
    const dimension = 16;
    const index = openIndex(dimension);
    // The shared memory holds 1,024 vectors: some fit, some do not, some come while it is taken.
    const sizes = [300, 1500, 1024, 7, 1025, 400];
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const vectors = unitVectors(total, dimension, 5);
    let first = 0;
    const adding = sizes.map((size) => {
      const given = vectors.slice(first * dimension, (first + size) * dimension);
      const added = index.add(range(first, first + size), given);
      given.fill(Number.NaN);
      first += size;
      return added;
    });
    await Promise.all(adding);
    await expect(index.add([total], new Float32Array(dimension))).rejects.toMatchObject({
      code: 'VECTOR_INVALID',
    });
    await index.add([total], vectors.slice(0, dimension));
    expect(await index.differing(range(0, total), vectors)).toEqual([]);
    expect(await index.size()).toBe(total + 1);
  });
});

describe('the thread', () => {
  it('that ends by an error rejects what was asked and everything after, and says why', async () => {
    const index = new HnswIndex(4, { m: 'many' as never });
    const query = Float32Array.of(1, 0, 0, 0);
    const expected = {
      code: 'INTERNAL',
      message: expect.stringMatching(/thread of the vector index failed.*`m`/s),
    };
    const pending = [index.search(query, 1), index.size(), index.add([1], query)];
    for (const call of pending) await expect(call).rejects.toMatchObject(expected);
    await expect(index.search(query, 1)).rejects.toMatchObject(expected);
    await index.close();
  });

  it('answers nothing more when it is closed', async () => {
    const index = new HnswIndex(4);
    await index.close();
    await expect(index.size()).rejects.toMatchObject({ message: expect.stringContaining('closed') });
  });

  it('is closed after what was asked before, and may be closed twice', async () => {
    const index = new HnswIndex(16);
    const adding = index.add(range(1, 501), unitVectors(500, 16, 1));
    const size = index.size();
    await Promise.all([index.close(), index.close()]);
    await adding;
    expect(await size).toBe(500);
    await index.close();
  });
});
