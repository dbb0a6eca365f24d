import { mkdtempSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedCliptrace } from '../../index/cliptrace.js';
import { seeded } from '../../index/evaluation/seeded-random.js';
import { defaultMediaLimits } from '../../index/media/limits.js';
import {
  calibrateIfGrown,
  createCalibrationTask,
} from '../../index/search/calibration/calibrate-collection.js';
import { standsIn } from '../../index/search/calibration/copies.js';
import { defaultCalibration } from '../../index/search/calibration/default-calibration.js';
import {
  type CalibrationQuery,
  fitCalibration,
  reliabilityOf,
} from '../../index/search/calibration/fit-calibration.js';
import { fitLogistic } from '../../index/search/calibration/fit-logistic.js';
import { probabilityOf, sigmoid, verdictOf } from '../../index/search/calibration/score.js';
import type { Calibration } from '../../index/search/calibration/types.js';
import { ffmpeg } from '../fixtures/videos.js';
import { createWorkspace, indexInto, SAMPLES_FOLDER } from '../helpers/workspace.js';

describe('fitLogistic', () => {
  it('ends where a slow descent ends', () => {
    const random = seeded(3);
    const features = Array.from({ length: 200 }, () => [1, 4 * random() - 2, random()]);
    const targets = features.map(([, x, z]) =>
      random() < sigmoid(1.5 * (x as number) - 2 * (z as number) + 0.3) ? 1 : 0,
    );
    let slow = [0, 0, 0];
    for (let step = 0; step < 20_000; step += 1) {
      const gradient = slow.map((weight) => 0.01 * weight);
      features.forEach((row, i) => {
        const error =
          sigmoid(row.reduce((sum, value, j) => sum + value * (slow[j] as number), 0)) -
          (targets[i] as number);
        row.forEach((value, j) => {
          gradient[j] = (gradient[j] as number) + error * value;
        });
      });
      slow = slow.map((weight, j) => weight - 0.01 * (gradient[j] as number));
    }
    fitLogistic(features, targets).forEach((weight, j) => {
      expect(weight).toBeCloseTo(slow[j] as number, 3);
    });
  });

  it('stays with what is expected where few samples speak', () => {
    const random = seeded(8);
    const expected = { weights: [-3, 2, 4], ridges: [0.01, 3, 3] };
    const samplesOf = (count: number) => {
      const features = Array.from({ length: count }, () => [1, 4 * random() - 2, random()]);
      const targets = features.map(([, x]) => (random() < sigmoid(3 * (x as number)) ? 1 : 0));
      return [features, targets] as const;
    };
    expect(fitLogistic([], [], expected)).toEqual(expected.weights);
    const few = fitLogistic(...samplesOf(8), expected);
    expect(few[2]).toBeGreaterThan(3);
    const many = fitLogistic(...samplesOf(20_000), expected);
    expect(many[1]).toBeCloseTo(3, 0);
    expect(Math.abs(many[2] as number)).toBeLessThan(0.5);
  });

  it('stays finite when the classes can be parted without error', () => {
    const weights = fitLogistic(
      [
        [1, 0],
        [1, 0.1],
        [1, 0.9],
        [1, 1],
      ],
      [0, 0, 1, 1],
    );
    expect(weights.every(Number.isFinite)).toBe(true);
    expect(sigmoid((weights[0] as number) + (weights[1] as number))).toBeGreaterThan(0.9);
  });
});

/** Queries whose source is found at a similarity of 0.8 to 1, and others at 0.5 to 0.9; nothing can be told of the changes of some. */
function queriesOf(count: number, seed: number): CalibrationQuery[] {
  const random = seeded(seed);
  return Array.from({ length: count }, () => ({
    source: {
      similarity: 0.8 + 0.2 * random(),
      coverage: 1,
      matchedSeconds: 3 + 4 * random(),
      changeCorrelation: random() < 0.1 ? null : 0.5 + 0.5 * random(),
    },
    others: Array.from({ length: 5 }, () => ({
      similarity: 0.5 + 0.4 * random(),
      coverage: 0.5 + 0.5 * random(),
      matchedSeconds: 2 + 4 * random(),
      changeCorrelation: random() < 0.1 ? null : 0.7 * random(),
    })),
  }));
}

describe('fitCalibration', () => {
  const fitted = fitCalibration({
    modelId: 'm',
    videoCount: 300,
    queries: queriesOf(300, 1),
    fittedAt: '2026-01-01T00:00:00.000Z',
  });

  it('promises what is true, on other queries of the same kind', () => {
    const hits = queriesOf(600, 2).flatMap(({ source, others }) => [
      ...(source ? [{ score: probabilityOf(fitted, source), sameFootage: true }] : []),
      ...others.map((other) => ({ score: probabilityOf(fitted, other), sameFootage: false })),
    ]);
    for (const { count, meanScore, sameFootageShare } of reliabilityOf(hits)) {
      if (count >= 60) expect(Math.abs((meanScore ?? 0) - (sameFootageShare ?? 0))).toBeLessThan(0.15);
    }
    expect(reliabilityOf(hits).reduce((sum, { count }) => sum + count, 0)).toBe(hits.length);
  });

  it('calls at most 2 % of queries without a source the same footage, on other queries, too', () => {
    const alarms = queriesOf(1000, 4).filter(({ others }) =>
      others.some((other) => probabilityOf(fitted, other) >= fitted.sameFootageScore),
    );
    expect(alarms.length / 1000).toBeLessThanOrEqual(0.02);
    expect(fitted.sameFootageScore).toBeGreaterThanOrEqual(0.5);
  });

  it('scores more for more similarity, more of the query, more seconds and changes that go together', () => {
    const score = (
      similarity: number,
      coverage: number,
      matchedSeconds: number,
      changeCorrelation: number | null = 0.9,
    ) => probabilityOf(defaultCalibration('m'), { similarity, coverage, matchedSeconds, changeCorrelation });
    expect(score(1, 1, 5)).toBeGreaterThan(0.99);
    expect(score(0.97, 1, 5)).toBeGreaterThan(score(0.9, 1, 5));
    expect(score(0.97, 1, 5)).toBeGreaterThan(score(0.97, 0.5, 5));
    expect(score(0.97, 1, 5)).toBeGreaterThan(score(0.97, 1, 1));
    expect(score(0.5, 1, 5, 0.3)).toBeLessThan(0.1);
    expect(score(0.97, 1, 0)).toBeLessThan(0.9);
    expect(score(0.9, 1, 5, 0.9)).toBeGreaterThan(score(0.9, 1, 5, 0.5));
    expect(score(0.9, 1, 5, 0.2)).toBeLessThan(0.5);
    expect(score(1, 1, 5, null)).toBeGreaterThan(0.9);
  });

  it('words a score', () => {
    const calibration = defaultCalibration('m');
    const evidence = { similarity: 0.8, coverage: 1, matchedSeconds: 5, changeCorrelation: 0.5 };
    expect(verdictOf(calibration, 0.95, evidence)).toBe('same-footage');
    expect(verdictOf(calibration, 0.4, evidence)).toBe('similar');
    expect(verdictOf(calibration, 0.01, { ...evidence, similarity: 0.2 })).toBe('none');
  });
});

describe('the calibration of a collection', () => {
  const workspace = createWorkspace();
  let cliptrace: OpenedCliptrace;
  beforeAll(async () => {
    cliptrace = await workspace.open();
    await indexInto(cliptrace, [SAMPLES_FOLDER]);
  });
  afterAll(async () => {
    await cliptrace.close();
    workspace.remove();
  });

  const modelId = () => cliptrace.encoder.manifest.id;
  const calibrationJobs = async () =>
    (await cliptrace.library.listJobs(50)).filter(({ request }) => request.type === 'calibrate').length;

  it('is fitted on edits of its own videos, kept, and used', async () => {
    const { library, searcher, ffmpeg } = cliptrace;
    const task = createCalibrationTask({
      library,
      searcher,
      ffmpeg,
      limits: defaultMediaLimits,
      manifest: cliptrace.encoder.manifest,
      temporaryFolder: mkdtempSync(path.join(workspace.root, 'calibration-')),
      leastVideos: 10,
      mediaPath: (videoId) => cliptrace.mediaPath(videoId),
    });
    const job = await library.createJob({ type: 'calibrate', collection: 'default', queryCount: 6, seed: 2 });
    const told: number[] = [];
    const signal = new AbortController().signal;
    await task(job, { signal, onProgress: ({ queriesDone }) => void told.push(queriesDone) });
    await library.updateJob(job.id, { status: 'done' });
    expect(told).toEqual([1, 2, 3, 4, 5, 6]);
    const calibration = (await library.getCalibration('default', modelId())) as Calibration;
    expect(await library.getJobResult(job.id)).toEqual({ ...calibration, skipped: [] });
    expect(calibration).toMatchObject({
      modelId: modelId(),
      videoCount: 16,
      queryCount: 6,
    } satisfies Partial<Calibration>);
    expect(calibration.positiveCount).toBeGreaterThanOrEqual(4);
    expect(calibration.negativeCount).toBeGreaterThan(20);
    // A calibration that trusts nothing is seen in the scores of a search.
    const lookWeights = { bias: -50, closeness: 0, coverage: 0, logSeconds: 0 };
    const weights = { ...lookWeights, changeCorrelation: 0 };
    await library.putCalibration('default', { ...calibration, weights, lookWeights });
    const [video] = (await library.listVideos({ limit: 1 })).videos;
    const query = { kind: 'video', videoId: video?.id as number } as const;
    const { hits, verdict } = await searcher.search({ query, k: 3 });
    expect(hits.map(({ score }) => score)).toEqual([0, 0, 0]);
    expect(verdict).not.toBe('same-footage');
    await expect(searcher.search({ query, k: 3, minScore: 0.01 })).resolves.toMatchObject({
      hits: [],
      verdict: 'none',
    });
  });

  it('takes footage that stands in two videos for no negative, and another video for one', async () => {
    const { library, encoder } = cliptrace;
    const parts = { library, manifest: encoder.manifest };
    const videos = (await library.listVideos({ limit: 50 })).videos;
    const one = videos.find(({ title }) => title === 'bottle-detection')?.id as number;
    const part = { startSeconds: 1, endSeconds: 5 };
    const copy = path.join(workspace.root, 'copy.mkv');
    const source = path.join(SAMPLES_FOLDER, 'bottle-detection.mp4');
    await ffmpeg('-ss', '1', '-i', source, '-c:v', 'mpeg4', '-q:v', '3', '-an', copy);
    await indexInto(cliptrace, [copy]);
    const other = (await library.listVideos({ limit: 50 })).videos.find(({ title }) => title === 'copy');
    await expect(standsIn(parts, { videoId: one, part }, one)).resolves.toBe(true);
    await expect(standsIn(parts, { videoId: one, part }, other?.id as number)).resolves.toBe(true);
    for (const { id } of videos.filter((video) => video.id !== one)) {
      await expect(standsIn(parts, { videoId: one, part }, id)).resolves.toBe(false);
    }
    await cliptrace.removeVideo(other?.id as number);
  });

  it('of an older format is as good as none', async () => {
    const { library } = cliptrace;
    const usual = defaultCalibration(modelId());
    await library.putCalibration('default', usual);
    expect(await library.getCalibration('default', modelId())).toEqual(usual);
    await library.putCalibration('default', { ...usual, formatVersion: 1 } as unknown as Calibration);
    expect(await library.getCalibration('default', modelId())).toBeNull();
  });

  it('refuses a collection that is too small', async () => {
    const job = await cliptrace.jobs.submit({
      type: 'calibrate',
      collection: 'default',
      queryCount: 10,
      seed: 1,
    });
    await expect(cliptrace.jobs.run(job)).resolves.toMatchObject({
      status: 'failed',
      error: { code: 'TOO_FEW_VIDEOS' },
    });
  });

  it('is asked for when the collection has grown twofold, once', async () => {
    const { library } = cliptrace;
    const parts = { library, modelId: modelId() };
    const before = await calibrationJobs();
    // Sixteen videos are too few.
    await calibrateIfGrown(parts, 'default');
    expect(await calibrationJobs()).toBe(before);
    // The same library, seen with sixty videos.
    const many = new Proxy(library, {
      get: (target, name) =>
        name === 'listCollections'
          ? async () => [{ id: 1, name: 'default', videoCount: 60 }]
          : (target[name as keyof typeof target] as () => unknown).bind(target),
    });
    const fittedOn = (videoCount: number) =>
      library.putCalibration('default', { ...defaultCalibration(modelId()), videoCount });
    await fittedOn(31);
    await calibrateIfGrown({ ...parts, library: many }, 'default');
    expect(await calibrationJobs()).toBe(before);
    await fittedOn(30);
    await calibrateIfGrown({ ...parts, library: many }, 'default');
    await calibrateIfGrown({ ...parts, library: many }, 'default');
    expect(await calibrationJobs()).toBe(before + 1);
  });
});
