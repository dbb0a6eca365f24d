import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { confusionOf } from '../../index/evaluation/confusion.js';
import { evaluate } from '../../index/evaluation/evaluator.js';
import { evaluationBody, requestOf } from '../../index/evaluation/request.js';
import type { LabelsReport } from '../../index/evaluation/types.js';
import type { SqliteLibrary } from '../../index/library/sqlite-library.js';
import type { Video } from '../../index/library/types.js';
import { defaultMediaLimits } from '../../index/media/limits.js';
import type { Searcher } from '../../index/search/types.js';
import { DeferredIndex } from '../../index/vectors/deferred-index.js';
import { meanEmbedding } from '../../index/vectors/mean-embedding.js';
import { ffmpegProgram } from '../fixtures/videos.js';
import { MODEL, putVideo, segmentBatch, temporaryLibrary } from '../library/fixtures.js';

const noSearcher: Searcher = {
  search: () => Promise.reject(new Error('The labels protocol compares by itself.')),
};

/** Of no use to this protocol. */
async function noIndex() {
  return new DeferredIndex(
    MODEL.dimension,
    Promise.reject(new Error('The labels protocol compares by itself.')),
  );
}

async function run(library: SqliteLibrary, given: object, baseFolder: string | null = null) {
  const body = evaluationBody.parse({ protocol: 'labels', ...given });
  return (await evaluate(
    requestOf(body, { baseFolder, queryRoots: null }),
    {
      library,
      searcher: noSearcher,
      index: await noIndex(),
      model: MODEL,
      ffmpeg: await ffmpegProgram(),
      limits: defaultMediaLimits,
      temporaryFolder: tmpdir(),
      mediaPath: () => Promise.reject(new Error('The labels protocol reads no file.')),
    },
    { signal: new AbortController().signal, onProgress: () => undefined },
  )) as LabelsReport;
}

/** 24 videos of 4 labels; labels have nothing to do with the vectors. */
async function randomLibrary() {
  const { library } = await temporaryLibrary();
  const videos: Video[] = [];
  for (let i = 0; i < 24; i += 1) {
    videos.push(
      await putVideo(library, i, {
        video: { label: `label-${(i * 7) % 4}` },
        segments: segmentBatch(1 + (i % 5), 50 * i),
      }),
    );
  }
  return { library, videos };
}

/** Straight from the definition: all means, all cosines, sorted. */
async function slowRanking(
  library: SqliteLibrary,
  query: Video,
  gallery: readonly Video[],
): Promise<Video[]> {
  const meanOf = async ({ id }: Video) => {
    const { vectors } = await library.embeddingsOf(id, MODEL.id);
    const sum = new Array<number>(MODEL.dimension).fill(0);
    for (let row = 0; row < vectors.length / MODEL.dimension; row += 1) {
      for (let i = 0; i < MODEL.dimension; i += 1)
        (sum[i] as number) += vectors[row * MODEL.dimension + i] as number;
    }
    return sum;
  };
  const cosine = (a: number[], b: number[]) => {
    const product = (x: number[], y: number[]) =>
      x.reduce((total, value, i) => total + value * (y[i] as number), 0);
    return product(a, b) / Math.sqrt(product(a, a) * product(b, b));
  };
  const own = await meanOf(query);
  const others = await Promise.all(
    gallery
      .filter(({ id }) => id !== query.id)
      .map(async (video) => ({ video, similarity: cosine(own, await meanOf(video)) })),
  );
  return others.sort((a, b) => b.similarity - a.similarity).map(({ video }) => video);
}

describe('the labels protocol', () => {
  it('leaving one out agrees with the definition, written out slowly', async () => {
    const { library, videos } = await randomLibrary();
    const report = await run(library, { k: [5, 1, 3] });
    expect(report.settings).toMatchObject({ k: [1, 3, 5], queries: 'leave-one-out', rankingDepth: null });
    expect(report).toMatchObject({ queryCount: 24, galleryCount: 24, problems: [], leftOut: { count: 0 } });
    for (const { k, value } of report.recall) {
      let hits = 0;
      for (const query of videos) {
        const ranking = await slowRanking(library, query, videos);
        if (ranking.slice(0, k).some(({ label }) => label === query.label)) hits += 1;
      }
      expect(value).toBeCloseTo(hits / 24, 12);
    }
    let precisions = 0;
    for (const query of videos) {
      const right = (await slowRanking(library, query, videos)).map(({ label }) => label === query.label);
      const own = right.flatMap((isRight, i) =>
        isRight ? [right.slice(0, i + 1).filter(Boolean).length / (i + 1)] : [],
      );
      precisions += own.reduce((a, b) => a + b) / own.length;
    }
    expect(report.meanAveragePrecision.value).toBeCloseTo(precisions / 24, 12);
    for (const { low, value, high } of report.recall) {
      expect(low).toBeLessThanOrEqual(value as number);
      expect(high).toBeGreaterThanOrEqual(value as number);
    }
    // The parts make the whole.
    const weighted = report.perLabel.reduce(
      (sum, { queryCount, recall }) => sum + queryCount * (recall[0]?.value ?? 0),
      0,
    );
    expect(weighted / 24).toBeCloseTo(report.recall[0]?.value as number, 12);
    const onDiagonal = report.confusion.reduce(
      (sum, { label, nearest }) => sum + (nearest.find((one) => one.label === label)?.count ?? 0),
      0,
    );
    expect(onDiagonal / 24).toBeCloseTo(report.recall[0]?.value as number, 12);
    expect(report.queries).toHaveLength(24);
  });

  it('with a split lets the queries ask the gallery only, and tells every line that it cannot use', async () => {
    const { library, videos } = await randomLibrary();
    const lines = videos.slice(0, 20).map((video, i) => {
      const names = [`/archive/${i}.mp4`, `archive/${i}.mp4`, `${i}.mp4`, String(video.id), `Video ${i}`];
      return `${names[i % names.length]},${i < 6 ? 'test' : 'train'}`;
    });
    const csv = [
      'video,split',
      ...lines,
      '"/nowhere/with, comma.mp4",test',
      `${videos[20]?.id},validation`,
      'just-a-name',
      `${videos[0]?.id},train`,
    ].join('\r\n');
    const report = await run(library, { k: [1, 2], queriesCsv: `\ufeff${csv}\n` });
    expect(report).toMatchObject({
      queryCount: 6,
      galleryCount: 14,
      settings: { queries: 'split' },
      leftOut: { count: 4, byReason: { NOT_IN_SPLIT: 4 } },
    });
    expect(report.problems.map(({ code, count, items }) => [code, count, items])).toEqual([
      ['VIDEO_UNKNOWN', 1, ['line 22: /nowhere/with, comma.mp4,test']],
      ['SPLIT_UNKNOWN', 1, [`line 23: ${videos[20]?.id},validation`]],
      ['CSV_ROW_INVALID', 1, ['line 24: just-a-name']],
      ['SPLIT_CONFLICT', 1, [`line 25: ${videos[0]?.id},train`]],
    ]);
    const gallery = videos.slice(6, 20);
    for (const { videoId, nearest, firstHitRank } of report.queries) {
      const query = videos.find(({ id }) => id === videoId) as Video;
      const ranking = await slowRanking(library, query, gallery);
      expect(nearest?.videoId).toBe(ranking[0]?.id);
      expect(firstHitRank).toBe(ranking.findIndex(({ label }) => label === query.label) + 1);
    }
  });

  it('tells which names are not clear, and takes relative paths from where the CSV lies', async () => {
    const { library } = await temporaryLibrary();
    for (const [i, path] of ['/a/one/clip.mp4', '/a/two/clip.mp4', '/a/two/other.mp4'].entries()) {
      await putVideo(library, i, { path, video: { label: 'x' } });
    }
    const csv = 'clip.mp4,test\none/clip.mp4,test\n./two/other.mp4,train';
    const report = await run(library, { queriesCsv: csv, k: [1] }, '/a');
    expect(report.problems).toMatchObject([
      {
        code: 'VIDEO_AMBIGUOUS',
        items: [expect.stringMatching(/^line 1: clip.mp4,test \(videos \d+, \d+\)$/)],
      },
    ]);
    expect(report).toMatchObject({ queryCount: 1, galleryCount: 1 });
  });

  it('leaves out what nothing could be right about, and says so', async () => {
    const { library } = await temporaryLibrary();
    await library.registerModel({
      id: 'other-model-00000001',
      dimension: 16,
      timesteps: 4,
      manifestJson: '{}',
    });
    for (const [i, label] of ['a', 'a', 'b', null].entries())
      await putVideo(library, i, { video: { label } });
    await putVideo(library, 4, { video: { label: 'a' }, modelId: 'other-model-00000001' });
    await putVideo(library, 0, { video: { label: 'a', collection: 'copies' } });
    const report = await run(library, { k: [1, 2, 3] });
    expect(report.leftOut.byReason).toEqual({
      NO_LABEL: 1,
      NOT_EMBEDDED: 1,
      DUPLICATE_CONTENT: 1,
      LABEL_HAS_ONE_VIDEO: 1,
    });
    expect(report).toMatchObject({
      queryCount: 2,
      galleryCount: 3,
      library: { videoCount: 6, collection: null },
    });
    expect(report.problems).toMatchObject([
      { code: 'LABEL_HAS_ONE_VIDEO', items: ['b'] },
      { code: 'K_LARGER_THAN_LIBRARY', items: ['k = 3'] },
    ]);
    const own = await run(library, { collection: 'copies' });
    expect(own).toMatchObject({ queryCount: 0, library: { videoCount: 1, collection: 'copies' } });
    expect(own.recall[0]).toEqual({ k: 1, value: null, low: null, high: null });
    expect(own.problems.map(({ code }) => code)).toContain('NO_QUERIES');
    await expect(run(library, { collection: 'nowhere' })).rejects.toMatchObject({
      code: 'COLLECTION_NOT_FOUND',
    });
  });

  it('draws queries by the seed', async () => {
    const { library } = await randomLibrary();
    const draws = await Promise.all(
      [1, 1, 2].map(async (seed) => {
        const report = await run(library, { maxQueries: 7, seed });
        expect(report).toMatchObject({
          queryCount: 7,
          galleryCount: 24,
          leftOut: { byReason: { NOT_DRAWN: 17 } },
        });
        return report.queries.map(({ videoId }) => videoId);
      }),
    );
    expect(draws[0]).toEqual(draws[1]);
    expect(draws[0]).not.toEqual(draws[2]);
  });
});

describe('the parts', () => {
  it('a mean embedding has unit norm, and is null where there is none', () => {
    expect(meanEmbedding(Float32Array.of(1, 0, 0, 1), 2)).toEqual(
      Float32Array.of(Math.SQRT1_2, Math.SQRT1_2),
    );
    expect(meanEmbedding(new Float32Array(), 2)).toBeNull();
    expect(meanEmbedding(Float32Array.of(1, 0, -1, 0), 2)).toBeNull();
  });

  it('a confusion table has a row a label, the most frequent first', () => {
    const pairs = [
      ['b', 'a'],
      ['a', 'a'],
      ['a', 'b'],
      ['a', 'b'],
      ['c', null],
    ] as const;
    expect(confusionOf(pairs.map(([label, nearestLabel]) => ({ label, nearestLabel })))).toEqual([
      {
        label: 'a',
        nearest: [
          { label: 'b', count: 2 },
          { label: 'a', count: 1 },
        ],
      },
      { label: 'b', nearest: [{ label: 'a', count: 1 }] },
      { label: 'c', nearest: [] },
    ]);
  });
});
