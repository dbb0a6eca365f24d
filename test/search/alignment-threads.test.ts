import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SqliteLibrary } from '../../index/library/sqlite-library.js';
import type { SegmentBatch, Video } from '../../index/library/types.js';
import { alignCandidates } from '../../index/search/align-candidates.js';
import type { Aligner } from '../../index/search/alignment-share.js';
import { AlignmentThreads } from '../../index/search/alignment-threads.js';
import { ownThreadAligner } from '../../index/search/candidate-share.js';
import type { EmbeddedQuery } from '../../index/search/embedded-query.js';
import type { DataFolder } from '../../index/types.js';
import { MODEL, putVideo, segmentBatch, temporaryFolder, temporaryLibrary } from '../library/fixtures.js';
import { unitVectors } from '../vectors/vectors.js';

const SHAPE = { dimension: MODEL.dimension, timesteps: MODEL.timesteps, clipSeconds: 2 };
const VALUES = MODEL.dimension * MODEL.timesteps;
const VIDEOS = 24;
/** So that only a part of it is read. */
const LONG_VIDEO = 3;

/** Takes of one scene: the same segments from a place of their own on, each with some noise. */
function take(scene: SegmentBatch, first: number, count: number, noise: number, seed: number): SegmentBatch {
  const batch = segmentBatch(count, seed);
  const other = unitVectors(count * MODEL.timesteps, MODEL.dimension, seed + 7);
  for (let i = 0; i < count * VALUES; i += 1) {
    const at = (first * VALUES + i) % scene.timesteps.length;
    batch.timesteps[i] = (scene.timesteps[at] as number) + noise * (other[i] as number);
  }
  for (let row = 0; row < count * MODEL.timesteps; row += 1) {
    const values = batch.timesteps.subarray(row * MODEL.dimension, (row + 1) * MODEL.dimension);
    const norm = Math.hypot(...values);
    values.forEach((value, d) => {
      values[d] = value / norm;
    });
  }
  return batch;
}

async function filledLibrary() {
  const { library, dataFolder } = await temporaryLibrary();
  const scene = segmentBatch(40, 1);
  const videos: Video[] = [];
  for (let number = 0; number < VIDEOS; number += 1) {
    const count = number === LONG_VIDEO ? 200 : 12 + (number % 7);
    const segments = take(scene, number % 20, count, 0.2 + 0.15 * (number % 9), 100 * number);
    const { id } = await putVideo(library, number, { segments, video: { durationSeconds: count + 1 } });
    videos.push((await library.getVideo(id)) as Video);
  }
  return { library, dataFolder, scene, videos };
}

/** Ten seconds of the scene and, where asked for, its mirror image, which is like nothing. */
function queryOf(scene: SegmentBatch, variants = 1): EmbeddedQuery {
  const clips = Array.from({ length: 9 }, (_, i) => i);
  const trackOf = (features: Float32Array) => ({
    ...SHAPE,
    startSeconds: 0,
    endSeconds: 10,
    startsSeconds: Float64Array.from(clips),
    weights: new Float64Array(clips.length).fill(1),
    features,
  });
  const looks = [
    { features: scene.timesteps.slice(5 * VALUES, 14 * VALUES), mirrored: false },
    { features: unitVectors(9 * MODEL.timesteps, MODEL.dimension, 77), mirrored: true },
  ];
  return {
    startsSeconds: clips,
    weights: new Float64Array(clips.length).fill(1),
    variants: looks
      .slice(0, variants)
      .map(({ features, mirrored }) => ({ embeddings: features, track: trackOf(features), mirrored })),
    cutsSeconds: [4.2],
    decodeMs: 0,
    encodeMs: 0,
    videoId: null,
  };
}

interface Asked {
  wanted?: number;
  perVideo?: number;
  explain?: boolean;
  signal?: AbortSignal;
}

function alignIn(aligner: Aligner, query: EmbeddedQuery, videos: readonly Video[], asked: Asked = {}) {
  return alignCandidates(aligner, {
    modelId: MODEL.id,
    shape: SHAPE,
    query,
    candidates: videos.map((video, i) => ({
      video,
      candidate: { videoId: video.id, votes: 1, highestVote: 1, offsetsSeconds: [-(i % 20), 20 - (i % 20)] },
    })),
    unrelatedSimilarity: 0,
    wanted: asked.wanted ?? 5,
    perVideo: asked.perVideo ?? 1,
    explain: asked.explain ?? false,
    signal: asked.signal,
  });
}

function threadsOf(library: SqliteLibrary, dataFolder: DataFolder, count = 2) {
  const failures: Error[] = [];
  const threads = new AlignmentThreads({
    dataFolder,
    reader: library,
    count,
    onFailure: (error) => failures.push(error),
  });
  onTestFinished(() => threads.close());
  return { threads, failures };
}

describe('threads that align', () => {
  it.each([2, 3])('answer what one thread does: %i of them', async (count) => {
    const { library, dataFolder, scene, videos } = await filledLibrary();
    const own = ownThreadAligner(library);
    const { threads, failures } = threadsOf(library, dataFolder, count);
    await threads.start();
    expect(threads.runningCount).toBe(count);
    for (const asked of [{}, { wanted: 40, perVideo: 3 }, { wanted: 2, explain: true }]) {
      for (const variants of [1, 2]) {
        const query = queryOf(scene, variants);
        const expected = await alignIn(own, query, videos, asked);
        expect(expected.length).toBeGreaterThan(5);
        expect(Math.max(...expected.map(({ evidence }) => evidence.similarity))).toBeGreaterThan(0.8);
        expect(await alignIn(threads, query, videos, asked)).toEqual(expected);
      }
    }
    expect(failures).toEqual([]);
  });

  it('answer many searches at once, each its own', async () => {
    const { library, dataFolder, scene, videos } = await filledLibrary();
    const own = ownThreadAligner(library);
    const { threads } = threadsOf(library, dataFolder);
    await threads.start();
    const orders = Array.from({ length: 12 }, (_, i) => [...videos.slice(i), ...videos.slice(0, i)]);
    const expected = [];
    for (const order of orders) expected.push(await alignIn(own, queryOf(scene), order));
    expect(await Promise.all(orders.map((order) => alignIn(threads, queryOf(scene), order)))).toEqual(
      expected,
    );
  });

  it('see what was committed after they started, and nothing of what was removed', async () => {
    const { library, dataFolder, scene, videos } = await filledLibrary();
    const { threads } = threadsOf(library, dataFolder);
    await threads.start();
    const segments = take(scene, 5, 12, 0, 9);
    const { id } = await putVideo(library, 99, { segments, video: { durationSeconds: 13 } });
    const added = (await library.getVideo(id)) as Video;
    const [best] = (await alignIn(threads, queryOf(scene), [added, ...videos])).sort(
      (a, b) => b.evidence.similarity - a.evidence.similarity,
    );
    expect(best?.video.id).toBe(id);
    expect(best?.video.id).toBe(id);
    expect(best?.evidence.similarity).toBeCloseTo(1, 2);
    await library.removeVideo(id);
    const after = await alignIn(threads, queryOf(scene), [added, ...videos]);
    expect(after.length).toBeGreaterThan(0);
    expect(after.map(({ video }) => video.id)).not.toContain(id);
  });

  it('stop when the search is cancelled, and answer the next one', async () => {
    const { library, dataFolder, scene, videos } = await filledLibrary();
    const { threads } = threadsOf(library, dataFolder);
    await threads.start();
    const controller = new AbortController();
    const cancelled = alignIn(threads, queryOf(scene), videos, { signal: controller.signal });
    controller.abort();
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await alignIn(threads, queryOf(scene), videos)).toEqual(
      await alignIn(ownThreadAligner(library), queryOf(scene), videos),
    );
  });

  it('are started once there are searches enough, but for none of a few candidates', async () => {
    const { library, dataFolder, scene, videos } = await filledLibrary();
    const { threads } = threadsOf(library, dataFolder);
    for (let i = 0; i < 20; i += 1) await alignIn(threads, queryOf(scene), videos.slice(0, 4));
    expect(threads.runningCount).toBe(0);
    const few = Array.from({ length: 7 }, () => alignIn(threads, queryOf(scene), videos));
    await Promise.all(few);
    expect(threads.runningCount).toBe(0);
    await alignIn(threads, queryOf(scene), videos);
    await expect.poll(() => threads.runningCount, { timeout: 20_000 }).toBe(2);
    const { threads: none } = threadsOf(library, dataFolder, 1);
    await none.start();
    expect(none.runningCount).toBe(0);
    expect(await alignIn(none, queryOf(scene), videos)).toHaveLength(13);
  });

  it('are done without where they cannot open the library', async () => {
    const { library, dataFolder, scene, videos } = await filledLibrary();
    const broken = join(temporaryFolder(), 'library.sqlite');
    cpSync(new URL(import.meta.url), broken);
    const { threads, failures } = threadsOf(library, { ...dataFolder, databaseFile: broken });
    await threads.start();
    expect(failures).toMatchObject([{ code: 'LIBRARY_DAMAGED' }]);
    expect(threads.runningCount).toBe(0);
    expect(await alignIn(threads, queryOf(scene), videos)).toEqual(
      await alignIn(ownThreadAligner(library), queryOf(scene), videos),
    );
  });
});
