import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ExactIndex } from '../../index/vectors/exact-index.js';
import { exactNeighbours, neighbourRecall } from '../../index/vectors/exact-neighbours.js';
import { openSegmentIndex } from '../../index/vectors/index-follower.js';
import { RecallKeeper } from '../../index/vectors/recall-keeper.js';
import { EF_PER_NEIGHBOUR } from '../../index/vectors/search-ef.js';
import type { SegmentIndex } from '../../index/vectors/types.js';
import { MODEL, putVideo, segmentBatch, temporaryLibrary } from '../library/fixtures.js';
import { unitVectors } from './vectors.js';

const { dimension } = MODEL;

/** 1,200 segments without any structure, which is hard for a graph: a small ef misses some. */
async function hardLibrary() {
  const { library, dataFolder } = await temporaryLibrary();
  for (let i = 0; i < 6; i += 1) await putVideo(library, i, { segments: segmentBatch(200, 1 + i * 10) });
  const { index } = await openSegmentIndex({
    library,
    model: MODEL,
    folder: join(dataFolder.root, 'vectors'),
    writable: false,
  });
  onTestFinished(() => index.close());
  return { library, index };
}

describe('exact neighbours', () => {
  it('are those of the exact index, page by page', async () => {
    const { library } = await hardLibrary();
    const oracle = new ExactIndex(dimension);
    const { ids, vectors } = await library.readVectors(MODEL.id, 0, 10_000);
    await oracle.add(ids, vectors);
    const queries = unitVectors(7, dimension, 99);
    const exact = await exactNeighbours({ library, modelId: MODEL.id, dimension, queries, k: 10 });
    const expected = await oracle.search(queries, 10);
    expect(exact.map(({ ids }) => ids)).toEqual(expected.map(({ ids }) => ids));
    await expect(
      exactNeighbours({
        ...{ library, modelId: MODEL.id, dimension, k: 10 },
        queries: unitVectors(40, dimension, 1),
        signal: AbortSignal.abort(new Error('enough')),
      }),
    ).rejects.toThrow('enough');
  });

  it('give the recall of what was found, and ties cost nothing', () => {
    const exact = { ids: [1, 2, 3, 4], similarities: [0.9, 0.8, 0.7, 0.7] };
    expect(neighbourRecall(exact, exact)).toBe(1);
    expect(neighbourRecall({ ids: [1, 2, 4, 5], similarities: [0.9, 0.8, 0.7, 0.7] }, exact)).toBe(1);
    expect(neighbourRecall({ ids: [1, 3, 8, 9], similarities: [0.9, 0.7, 0.6, 0.5] }, exact)).toBe(0.5);
    expect(neighbourRecall({ ids: [], similarities: [] }, exact)).toBe(0);
    expect(neighbourRecall({ ids: [], similarities: [] }, { ids: [], similarities: [] })).toBe(1);
  });
});

describe('the keeper of recall', () => {
  async function keeperOf(
    targetRecall: number,
    change: (index: SegmentIndex) => SegmentIndex = (index) => index,
  ) {
    const { library, index } = await hardLibrary();
    let nowMs = 0;
    const now = () => nowMs;
    const errors: unknown[] = [];
    const onError = (error: unknown) => errors.push(error);
    const keeper = new RecallKeeper({
      index: change(index),
      library,
      modelId: MODEL.id,
      targetRecall,
      now,
      onError,
    });
    onTestFinished(() => keeper.close());
    const ask = async (searches: number) => {
      for (let i = 0; i < searches; i += 1) {
        // Long enough after the last search that this one is checked.
        nowMs += 60_000;
        await keeper.search(unitVectors(3, dimension, 5000 + i), 20);
        await keeper.settled();
      }
      return keeper.liveRecall;
    };
    const pass = (ms: number) => {
      nowMs += ms;
    };
    return { keeper, ask, errors, pass };
  }

  /** An index that finds a share of its neighbours only, up to `most` of them, which grows with ef. */
  const lazy = (index: SegmentIndex, most = 1): SegmentIndex => ({
    dimension: index.dimension,
    sequence: 0,
    compaction: null,
    search: async (queries, k, options) => {
      const found = await index.search(queries, k, options);
      const share = Math.min(most, (options?.searchEf ?? 0) / (40 * k));
      return found.map(({ ids, similarities }) => {
        const count = Math.round(share * ids.length);
        return { ids: ids.slice(0, count), similarities: similarities.slice(0, count) };
      });
    },
    searchFiltered: (...rest) => index.searchFiltered(...rest),
    catchUp: () => index.catchUp(),
    size: () => index.size(),
    saveSnapshot: () => index.saveSnapshot(),
    close: () => index.close(),
  });

  it('raises ef until what searches find is what was promised', async () => {
    const { ask, errors } = await keeperOf(0.99, (index) => lazy(index));
    const first = await ask(4);
    expect(first).toMatchObject({ efPerNeighbour: EF_PER_NEIGHBOUR, checkedQueries: 8 });
    expect(first.recall).toBeCloseTo(0.1, 1);
    const last = await ask(100);
    // All neighbours are found from 40 on, 0.99 of them from 39.6 on.
    expect(last.efPerNeighbour).toBeGreaterThan(39);
    expect(last.recall).toBeGreaterThanOrEqual(0.99);
    expect(errors).toEqual([]);
  });

  it('takes back raises that find no more, and tries again later', async () => {
    const { ask, errors, pass } = await keeperOf(0.99, (index) => lazy(index, 0.1));
    const seen = new Set<number>();
    for (let i = 0; i < 60; i += 1) seen.add((await ask(1)).efPerNeighbour);
    expect([...seen]).toEqual([1, 1.5, 2.25].map((times) => times * EF_PER_NEIGHBOUR));
    expect(await ask(1)).toMatchObject({ efPerNeighbour: EF_PER_NEIGHBOUR, checkedQueries: 50 });
    pass(3_600_000);
    await ask(1);
    expect((await ask(1)).efPerNeighbour).toBe(1.5 * EF_PER_NEIGHBOUR);
    expect(errors).toEqual([]);
  });

  it('lowers ef where recall is far above the promise', async () => {
    const { ask } = await keeperOf(0.5);
    const { efPerNeighbour, recall } = await ask(40);
    expect(efPerNeighbour).toBeLessThan(EF_PER_NEIGHBOUR);
    expect(recall ?? 1).toBeGreaterThan(0.5);
  });

  it('leaves alone searches that say their ef, and those with a filter', async () => {
    const { keeper } = await keeperOf(0.99);
    await keeper.search(unitVectors(1, dimension, 1), 10, { searchEf: 20 });
    await keeper.searchFiltered(unitVectors(1, dimension, 1), 10, { collection: 'default' });
    await keeper.settled();
    expect(keeper.liveRecall).toEqual({ recall: null, checkedQueries: 0, efPerNeighbour: EF_PER_NEIGHBOUR });
    await keeper.searchFiltered(unitVectors(1, dimension, 1), 10, {});
    await keeper.settled();
    expect(keeper.liveRecall.checkedQueries).toBe(1);
  });
});
