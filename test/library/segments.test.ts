import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { openLibrary, type SqliteLibrary } from '../../index/library/sqlite-library.js';
import type { SegmentFilter } from '../../index/library/types.js';
import { randomNumbers, rowOf } from '../vectors/vectors.js';
import { MODEL, putVideo, registerModel, segmentBatch, temporaryLibrary } from './fixtures.js';

const { dimension, timesteps } = MODEL;

describe('features', () => {
  it.each([1, 63, 64, 65, 200])(
    'come back for %i segments: embeddings exactly, timesteps as float16',
    async (count) => {
      const { library } = await temporaryLibrary();
      await putVideo(library, 1);
      const batch = segmentBatch(count, 5);
      const video = await putVideo(library, 2, { segments: batch });
      const segments = await library.segmentsOf(video.id, MODEL.id);
      expect(segments.map(({ startSeconds, endSeconds }) => ({ startSeconds, endSeconds }))).toEqual(
        batch.spans,
      );
      segments.forEach((segment, i) => {
        const expected = batch.timesteps.subarray(i * timesteps * dimension, (i + 1) * timesteps * dimension);
        expect(largestDifference(segment.timesteps, expected)).toBeLessThan(2 ** -12);
      });
      const { ids, vectors } = await library.embeddingsOf(video.id, MODEL.id);
      expect(ids).toEqual(segments.map((segment) => segment.id));
      expect(largestDifference(vectors, batch.embeddings)).toBeLessThan(1e-7);
    },
  );

  it('come back for the segments that overlap a range only', async () => {
    const { library } = await temporaryLibrary();
    const batch = segmentBatch(200, 5);
    const video = await putVideo(library, 1, { segments: batch });
    const all = await library.segmentsOf(video.id, MODEL.id);
    // Segment i is [i, i + 2): what only touches the range does not overlap it.
    const some = await library.segmentsOf(video.id, MODEL.id, { startSeconds: 62, endSeconds: 130 });
    expect(some).toEqual(all.slice(61, 130));
    expect(await library.segmentsOf(video.id, MODEL.id, { startSeconds: 900, endSeconds: 901 })).toEqual([]);
  });

  it('come back for stretches of several videos at once', async () => {
    const { library } = await temporaryLibrary();
    const first = await putVideo(library, 1, { segments: segmentBatch(200, 5) });
    const second = await putVideo(library, 2, { segments: segmentBatch(9, 6) });
    const stretches = [
      { videoId: second.id, within: { startSeconds: 0, endSeconds: 100 } },
      { videoId: first.id, within: { startSeconds: 62, endSeconds: 130 } },
      { videoId: first.id, within: { startSeconds: 900, endSeconds: 901 } },
      { videoId: 99, within: { startSeconds: 0, endSeconds: 1 } },
    ];
    const tracks = await library.tracksOf(MODEL.id, stretches);
    expect(tracks).toHaveLength(stretches.length);
    for (const [i, { videoId, within }] of stretches.entries()) {
      const segments = await library.segmentsOf(videoId, MODEL.id, within);
      expect(tracks[i]).toEqual({
        startsSeconds: Float64Array.from(segments, ({ startSeconds }) => startSeconds),
        weights: Float64Array.from(segments, ({ weight }) => weight),
        timesteps: Float32Array.from(segments.flatMap((segment) => [...segment.timesteps])),
      });
    }
    await expect(library.tracksOf('unknown', stretches)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it('are missed where a damaged library lacks them', async () => {
    const { library, dataFolder } = await temporaryLibrary();
    const video = await putVideo(library, 1, { segments: segmentBatch(100, 5) });
    const database = new Database(dataFolder.databaseFile);
    database.exec('DELETE FROM timestep_blocks WHERE id > 1');
    database.close();
    const stretches = [{ videoId: video.id, within: { startSeconds: 0, endSeconds: 200 } }];
    await expect(library.tracksOf(MODEL.id, stretches)).rejects.toMatchObject({
      code: 'LIBRARY_DAMAGED',
      details: { videoId: video.id, segments: 100, missing: 36 },
    });
  });

  it('are found by id, whichever are asked for in whatever order', async () => {
    const { library } = await temporaryLibrary();
    const batches = new Map<number, { seed: number; position: number }>();
    for (const seed of [10, 20, 30]) {
      const video = await putVideo(library, seed, { segments: segmentBatch(70, seed) });
      const { ids } = await library.embeddingsOf(video.id, MODEL.id);
      for (const [position, id] of ids.entries()) batches.set(id, { seed, position });
    }
    await library.removeVideo(2);
    const asked = [210, 1, 64, 65, 70, 71, 100, 140, 141, 5000, 1];
    const { ids, vectors } = await library.vectorsOf(asked);
    expect(ids).toEqual([1, 64, 65, 70, 141, 210]);
    ids.forEach((id, row) => {
      const { seed, position } = batches.get(id) as { seed: number; position: number };
      const expected = rowOf(segmentBatch(70, seed).embeddings, position, dimension);
      expect(largestDifference(rowOf(vectors, row, dimension), expected)).toBeLessThan(1e-7);
    });
    expect(await library.vectorsOf([])).toEqual({ ids: [], vectors: new Float32Array() });
  });

  it('of two models live beside each other', async () => {
    const { library } = await temporaryLibrary();
    const other = { id: 'other-model-00000002', dimension: 8, timesteps: 2 };
    await registerModel(library, other);
    const first = await putVideo(library, 1);
    const second = await putVideo(library, 2, { modelId: other.id, segments: segmentBatch(5, 2, other) });
    expect((await library.segmentsOf(second.id, other.id))[0]?.timesteps.length).toBe(16);
    expect(await library.segmentsOf(second.id, MODEL.id)).toEqual([]);
    expect(await library.segmentsOf(first.id, MODEL.id)).toHaveLength(3);
    expect((await library.readVectors(other.id, 0, 100)).vectors.length).toBe(5 * 8);
    expect(await library.countSegments('never registered')).toBe(0);
  });
});

describe('what must not be stored', () => {
  const spoil = (change: (values: Float32Array) => void, part: 'embeddings' | 'timesteps') => {
    const batch = segmentBatch(3, 1);
    change(batch[part]);
    return batch;
  };
  it.each([
    ['NaN', spoil((values) => values.set([Number.NaN], 20), 'embeddings'), /vector 1 holds NaN at 4/],
    [
      'infinity',
      spoil((values) => values.set([Number.NEGATIVE_INFINITY], 0), 'embeddings'),
      /vector 0 holds -Infinity/,
    ],
    ['a norm of 2', spoil((values) => values.set(values.map((x) => 2 * x)), 'embeddings'), /norm 2\.0/],
    ['zeros', spoil((values) => values.fill(0), 'embeddings'), /norm 0/],
    [
      'NaN in timesteps',
      spoil((values) => values.set([Number.NaN], 191), 'timesteps'),
      /vector 11 holds NaN/,
    ],
    ['another dimension', { ...segmentBatch(3, 1), embeddings: new Float32Array(3 * 15) }, /45 values given/],
    ['too few timesteps', { ...segmentBatch(3, 1), timesteps: new Float32Array(3 * 48) }, /144 values given/],
  ])('%s is refused and leaves nothing behind', async (_, segments, message) => {
    const { library } = await temporaryLibrary();
    await expect(putVideo(library, 1, { segments })).rejects.toMatchObject({
      code: 'VECTOR_INVALID',
      message: expect.stringMatching(message),
    });
    expect((await library.listVideos({ limit: 1 })).totalCount).toBe(0);
    expect(await library.lastSequence()).toBe(0);
  });

  it('an embedding a little off unit norm is stored with norm 1', async () => {
    const { library } = await temporaryLibrary();
    const segments = segmentBatch(1, 1);
    segments.embeddings = segments.embeddings.map((x) => x * 1.0009);
    const video = await putVideo(library, 1, { segments });
    const { vectors } = await library.embeddingsOf(video.id, MODEL.id);
    expect(Math.hypot(...vectors)).toBeCloseTo(1, 6);
  });

  it('a segment beyond the last id that the index can hold is refused', async () => {
    const { library, dataFolder } = await temporaryLibrary();
    await putVideo(library, 1);
    await library.close();
    const database = new Database(dataFolder.databaseFile);
    database.exec(`UPDATE sqlite_sequence SET seq = ${2 ** 32 - 3} WHERE name = 'segments'`);
    database.close();
    const again = await openLibrary({ dataFolder, mode: 'write' });
    await expect(putVideo(again, 2)).rejects.toMatchObject({ code: 'INDEX_FULL' });
    expect((await again.listVideos({ limit: 5 })).totalCount).toBe(1);
    const last = await putVideo(again, 3, { segments: segmentBatch(2, 3) });
    expect((await again.embeddingsOf(last.id, MODEL.id)).ids).toEqual([2 ** 32 - 2, 2 ** 32 - 1]);
    await expect(putVideo(again, 4, { segments: segmentBatch(1, 4) })).rejects.toMatchObject({
      code: 'INDEX_FULL',
    });
    await again.close();
  });
});

describe('filters', () => {
  const FILTERS: SegmentFilter[] = [
    {},
    { collection: 'a' },
    { collection: 'nowhere' },
    { label: 'x' },
    { collections: ['b', 'none'] },
    { collections: [], label: 'x' },
    { collection: 'b', label: 'y' },
    { excludeVideoIds: [2, 3, 99] },
    { excludeVideoIds: [] },
    { collection: 'a', excludeVideoIds: [1] },
  ];

  async function libraryWithVideos(): Promise<SqliteLibrary> {
    const { library } = await temporaryLibrary();
    const random = randomNumbers(3);
    for (let name = 1; name <= 12; name += 1) {
      const collection = name % 2 === 0 ? 'a' : 'b';
      const label = [null, 'x', 'y'][name % 3] as string | null;
      const segments = segmentBatch(1 + Math.floor(random() * 150), name);
      await putVideo(library, name, { video: { collection, label }, segments });
    }
    await library.removeVideo(4);
    return library;
  }

  it.each(FILTERS)(
    '%j counts, pages and picks the same segments as a loop over the videos',
    async (filter) => {
      const library = await libraryWithVideos();
      const expected = await allowedByLoop(library, filter);
      expect(await library.countSegments(MODEL.id, filter)).toBe(expected.length);
      for (const limit of [1000, 64, 37, 1]) {
        if (limit === 1 && expected.length > 300) continue;
        const read: number[] = [];
        for (let afterId = 0; ; ) {
          const { ids, vectors } = await library.readVectors(MODEL.id, afterId, limit, filter);
          expect(ids.length).toBeLessThanOrEqual(limit);
          expect(vectors.length).toBe(ids.length * dimension);
          if (ids.length === 0) break;
          read.push(...ids);
          afterId = ids.at(-1) as number;
        }
        expect(read).toEqual(expected);
      }
      const asked = [...expected.slice(0, 50).reverse(), 100_000, 1, 2, 3];
      const allowed = new Set(expected);
      expect(await library.allowedSegments(asked, filter)).toEqual(asked.filter((id) => allowed.has(id)));
    },
  );

  it('page the right vectors', async () => {
    const library = await libraryWithVideos();
    const { ids, vectors } = await library.readVectors(MODEL.id, 100, 90, { collection: 'a' });
    const byId = await library.vectorsOf(ids);
    expect(byId.ids).toEqual(ids);
    expect(byId.vectors).toEqual(vectors);
  });
});

async function allowedByLoop(library: SqliteLibrary, filter: SegmentFilter): Promise<number[]> {
  const { videos } = await library.listVideos({ limit: 1000 });
  const ids: number[] = [];
  for (const video of videos) {
    if (filter.collection !== undefined && video.collection !== filter.collection) continue;
    if (filter.collections !== undefined && !filter.collections.includes(video.collection)) continue;
    if (filter.label !== undefined && video.label !== filter.label) continue;
    if (filter.excludeVideoIds?.includes(video.id)) continue;
    for (const segment of await library.segmentsOf(video.id, MODEL.id)) ids.push(segment.id);
  }
  return ids.sort((a, b) => a - b);
}

describe('the change log', () => {
  it('tells additions and removals in order, and marks that differ', async () => {
    const { library } = await temporaryLibrary();
    await putVideo(library, 1, { segments: segmentBatch(2, 1) });
    await putVideo(library, 2, { segments: segmentBatch(1, 2) });
    await library.removeVideo(1);
    const changes = await library.changesAfter(MODEL.id, 0, 100);
    expect(changes.map(({ segmentId, kind }) => [segmentId, kind])).toEqual([
      [1, 'added'],
      [2, 'added'],
      [3, 'added'],
      [1, 'removed'],
      [2, 'removed'],
    ]);
    expect(changes.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
    expect(await library.lastSequence()).toBe(5);
    expect(await library.changesAfter(MODEL.id, 2, 2)).toEqual(changes.slice(2, 4));
    expect(await library.changesAfter('never registered', 0, 100)).toEqual([]);
    const marks = await Promise.all([1, 2, 3, 4, 5].map((sequence) => library.changeMark(sequence)));
    expect(new Set(marks).size).toBe(5);
    expect(marks.every((mark) => Number.isSafeInteger(mark))).toBe(true);
    expect(await library.changeMark(6)).toBeNull();
  });
});

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b[i] as number))), 0);
}
