import { describe, expect, it, onTestFinished } from 'vitest';
import { ExactIndex } from '../../index/vectors/exact-index.js';
import { HnswIndex } from '../../index/vectors/hnsw-index.js';
import { openSegmentIndex } from '../../index/vectors/index-follower.js';
import type { Neighbours, VectorIndex } from '../../index/vectors/types.js';
import { putVideo, registerModel, temporaryLibrary } from '../library/fixtures.js';
import { clusteredUnitVectors, unitVectors } from './vectors.js';

const DIMENSION = 64;
const VIDEOS = 40;
const SEGMENTS = 100;
const MODEL = { id: 'churned-model-1', dimension: DIMENSION, timesteps: 1 };
const VECTORS = clusteredUnitVectors(2 * VIDEOS * SEGMENTS, DIMENSION, {
  clusters: 60,
  spread: 0.8,
  seed: 1,
});
const QUERIES = clusteredUnitVectors(100, DIMENSION, { clusters: 60, spread: 0.8, seed: 1 });

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}

function rows(start: number, end: number): Float32Array {
  return VECTORS.slice(start * DIMENSION, end * DIMENSION);
}

function recallOf(found: readonly Neighbours[], truth: readonly Neighbours[]): number {
  const hits = truth.map(({ ids }, i) => ids.filter((id) => found[i]?.ids.includes(id)).length / ids.length);
  return hits.reduce((sum, share) => sum + share, 0) / hits.length;
}

async function expectRecall(index: Pick<VectorIndex, 'search'>, exact: ExactIndex): Promise<void> {
  const recall = recallOf(await index.search(QUERIES, 10), await exact.search(QUERIES, 10));
  expect(recall).toBeGreaterThanOrEqual(0.99);
}

describe('an index of which half was removed and as much added', () => {
  it('finds what exact search finds, before, while and after it is built anew', async () => {
    const { library, dataFolder } = await temporaryLibrary();
    await registerModel(library, MODEL);
    const exact = new ExactIndex(DIMENSION);
    const put = async (name: number) => {
      const start = name * SEGMENTS;
      const spans = range(0, SEGMENTS).map((i) => ({ startSeconds: i, endSeconds: i + 2 }));
      const embeddings = rows(start, start + SEGMENTS);
      const timesteps = unitVectors(SEGMENTS, DIMENSION, name);
      const segments = { spans, embeddings, timesteps };
      const video = await putVideo(library, name, { modelId: MODEL.id, segments });
      const { ids } = await library.embeddingsOf(video.id, MODEL.id);
      await exact.add(ids, embeddings);
      return { id: video.id, ids };
    };
    let builtAnew = 0;
    const logger = {
      warn: () => {},
      info: () => {
        builtAnew += 1;
      },
    };
    const folder = dataFolder.vectorsFolder;
    const { index } = await openSegmentIndex({ library, model: MODEL, folder, writable: true, logger });
    onTestFinished(() => index.close());
    const videos: Awaited<ReturnType<typeof put>>[] = [];
    for (let name = 0; name < VIDEOS; name += 1) videos.push(await put(name));
    await index.catchUp();

    for (const [position, video] of videos.entries()) {
      if (position % 2 === 0) continue;
      await library.removeVideo(video.id);
      await exact.remove(video.ids);
    }
    await index.catchUp();
    // Nobody waits for the building: it has hardly begun.
    expect(builtAnew).toBe(0);
    await expectRecall(index, exact);
    for (let name = VIDEOS; name < VIDEOS + VIDEOS / 2; name += 1) {
      await put(name);
      await index.catchUp();
    }
    await expectRecall(index, exact);
    await expect.poll(() => builtAnew, { timeout: 60_000 }).toBe(1);
    expect(await index.size()).toBe(VIDEOS * SEGMENTS);
    await expectRecall(index, exact);
    await index.saveSnapshot();
    await index.close();
    const again = await openSegmentIndex({ library, model: MODEL, folder, writable: true, logger });
    onTestFinished(() => again.index.close());
    expect(again.opening).toMatchObject({ how: 'loaded', segmentCount: VIDEOS * SEGMENTS });
    await expectRecall(again.index, exact);
    expect(builtAnew).toBe(1);
  });

  it('is built anew with every change that comes meanwhile', async () => {
    const count = 3000;
    const index = new HnswIndex(DIMENSION);
    onTestFinished(() => index.close());
    const exact = new ExactIndex(DIMENSION);
    const both = [index, exact];
    for (const one of both) await one.add(range(1, count + 1), rows(0, count));
    for (const one of both) await one.remove(range(1, count / 2));
    const compacted = index.compact();
    for (let step = 0; step < 60; step += 1) {
      const first = count / 2 + step * 20;
      // Replaced, removed, and added: some before their turn in the new graph, some after.
      for (const one of both) await one.add([first, first + 1], rows(count + 2 * step, count + 2 * step + 2));
      for (const one of both) await one.remove([first + 2, first + 3]);
      for (const one of both) await one.add([count + 1 + step], rows(count + 500 + step, count + 501 + step));
      expect((await index.search(QUERIES.subarray(0, DIMENSION), 5))[0]?.ids).toHaveLength(5);
    }
    await compacted;
    expect(await index.counts()).toMatchObject({ liveCount: await exact.size() });
    expect((await index.counts()).deletedCount).toBeLessThan(count / 2 - 1);
    await expectRecall(index, exact);
    // Neither has what the other lacks; near ties may come in another order.
    const query = QUERIES.subarray(0, DIMENSION);
    const sorted = async (one: VectorIndex) => (await one.search(query, count))[0]?.ids.sort((a, b) => a - b);
    expect(await sorted(index)).toEqual(await sorted(exact));
    // Given up when there is no point any more.
    const givenUp = index.compact();
    await index.clear();
    await givenUp;
    expect(await index.size()).toBe(0);
  });
});
