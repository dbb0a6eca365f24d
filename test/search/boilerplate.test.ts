import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedCliptrace } from '../../index/cliptrace.js';
import { findBoilerplateIfGrown } from '../../index/search/boilerplate/boilerplate-task.js';
import { listBoilerplate } from '../../index/search/boilerplate/list-boilerplate.js';
import { type ComparedSegment, repeatedSegments } from '../../index/search/boilerplate/repeated-segments.js';
import type { BoilerplateReport } from '../../index/search/boilerplate/types.js';
import { ffmpeg } from '../fixtures/videos.js';
import { createWorkspace, indexInto, SAMPLES_FOLDER } from '../helpers/workspace.js';

const workspace = createWorkspace();
const partsFolder = path.join(workspace.root, 'parts');
const queriesFolder = path.join(workspace.root, 'queries');
const part = (name: string) => path.join(partsFolder, `${name}.mp4`);
const query = (name: string) => path.join(queriesFolder, `${name}.mp4`);

const FORMAT = [
  '-vf',
  'scale=320:240,setsar=1,fps=25,format=yuv420p',
  '-an',
  '-c:v',
  'libx264',
  '-preset',
  'veryfast',
];

/** Own footage and where it is put: each has an ident, and some have black, colour bars and a still picture. */
const VIDEOS: Record<string, string[]> = {
  'bottle-detection': ['ident', 'own'],
  'car-detection': ['black', 'ident', 'own', 'bars'],
  'worker-zone-detection': ['still', 'own', 'ident', 'black'],
  'fruit-and-vegetable-detection': ['bars', 'own', 'ident', 'still'],
  'one-by-one-person-detection': ['ident', 'black', 'own', 'still'],
  'store-aisle-detection': ['own', 'ident', 'bars', 'black'],
  'head-pose-face-detection-male': ['bars', 'ident', 'own'],
  'person-bicycle-car-detection': ['own', 'black', 'bars', 'ident', 'still'],
};
const COPIES = 6;

let cliptrace: OpenedCliptrace;
let report: BoilerplateReport;

beforeAll(async () => {
  for (const folder of [partsFolder, queriesFolder, workspace.archive])
    await mkdir(folder, { recursive: true });
  const drawn = (name: string, source: string, seconds: number) =>
    ffmpeg('-f', 'lavfi', '-i', source, '-t', String(seconds), ...FORMAT, part(name));
  await drawn('ident', 'mandelbrot=s=320x240:r=25', 3);
  await drawn('black', 'color=black:s=320x240:r=25', 3);
  await drawn('bars', 'smptebars=s=320x240:r=25', 3);
  const picture = path.join(partsFolder, 'picture.png');
  await ffmpeg('-ss', '12', '-i', path.join(SAMPLES_FOLDER, 'nasa-13013.mp4'), '-vframes', '1', picture);
  await ffmpeg('-loop', '1', '-r', '25', '-i', picture, '-t', '3', ...FORMAT, part('still'));
  for (const [name, pieces] of Object.entries(VIDEOS)) {
    await ffmpeg('-i', path.join(SAMPLES_FOLDER, `${name}.mp4`), '-t', '7', ...FORMAT, part(name));
    await joined(
      path.join(workspace.archive, `${name}.mp4`),
      pieces.map((piece) => (piece === 'own' ? name : piece)),
    );
  }
  for (let copy = 0; copy < COPIES; copy += 1) {
    const target = path.join(workspace.archive, `copy-${copy}.mp4`);
    await ffmpeg(
      '-ss',
      '6',
      '-i',
      path.join(SAMPLES_FOLDER, 'nasa-13013.mp4'),
      '-t',
      '5',
      ...FORMAT,
      '-crf',
      String(18 + 2 * copy),
      target,
    );
  }
  cliptrace = await workspace.open();
  await indexInto(cliptrace, [workspace.archive]);
  report = await lookThrough('default');
}, 240_000);
afterAll(async () => {
  await cliptrace.close();
  workspace.remove();
});

async function joined(outPath: string, pieces: readonly string[], ...filter: string[]): Promise<void> {
  const list = `${outPath}.txt`;
  await writeFile(list, pieces.map((piece) => `file '${part(piece)}'\n`).join(''));
  await ffmpeg('-f', 'concat', '-safe', '0', '-i', list, ...filter, '-c:v', 'libx264', '-crf', '24', outPath);
}

async function lookThrough(collection: string): Promise<BoilerplateReport> {
  const job = await cliptrace.jobs.run(await cliptrace.jobs.submit({ type: 'boilerplate', collection }));
  expect(job).toMatchObject({ status: 'done', error: null });
  return (await cliptrace.library.getBoilerplate(
    collection,
    cliptrace.encoder.manifest.id,
  )) as BoilerplateReport;
}

const titled = async () => {
  const { videos } = await cliptrace.library.listVideos({ collection: 'default', limit: 100 });
  return new Map(videos.map(({ id, title }) => [id, title]));
};
const search = (name: string) =>
  cliptrace.searcher.search({
    query: { kind: 'file', filePath: query(name) },
    k: 8,
    explain: true,
    collection: 'default',
  });

describe('a look through a collection', () => {
  it('finds the ident, black, the bars and the still picture, with the videos that show them', async () => {
    const titles = await titled();
    const found = report.groups.filter(({ videoCount }) => videoCount > 1);
    const holding = (piece: string) =>
      Object.keys(VIDEOS)
        .filter((name) => VIDEOS[name]?.includes(piece))
        .sort();
    const ofVideos = (piece: string) =>
      found.find(
        ({ places }) =>
          places
            .map(({ videoId }) => titles.get(videoId))
            .sort()
            .join() === holding(piece).join(),
      );
    expect(found).toHaveLength(4);
    expect(ofVideos('ident')).toMatchObject({ kind: 'repeated', weight: 0, videoCount: 8 });
    expect(ofVideos('black')).toMatchObject({ kind: 'black', weight: 0, videoCount: 5 });
    expect(ofVideos('bars')).toMatchObject({ kind: 'still', weight: 0, videoCount: 5 });
    // Four videos are too few for it to be everywhere, but it is still a picture that does not move.
    expect(ofVideos('still')).toMatchObject({ kind: 'still', weight: 0.25, videoCount: 4 });
    const ident = ofVideos('ident')?.places.find(({ videoId }) => titles.get(videoId) === 'car-detection');
    expect(ident?.startSeconds).toBeCloseTo(3, 0);
    expect(ident?.endSeconds).toBeCloseTo(6, 0);
  });

  it('takes neither copies of one video nor the pictures of a still camera for it', async () => {
    const titles = await titled();
    const places = report.groups.flatMap(({ places: all }) => all);
    expect(places.filter(({ videoId }) => titles.get(videoId)?.startsWith('copy-'))).toEqual([]);
    await indexInto(cliptrace, [SAMPLES_FOLDER], { collection: 'samples' });
    const samples = await lookThrough('samples');
    expect(samples.videoCount).toBe(16);
    expect(samples.groups).toEqual([]);
  });

  it('is asked for once when the collection has grown by a quarter', async () => {
    const { library } = cliptrace;
    const parts = { library, modelId: cliptrace.encoder.manifest.id };
    const waiting = async () =>
      (await library.pendingJobs()).filter(
        ({ request }) => request.type === 'boilerplate' && request.collection === 'default',
      );
    for (const job of await waiting()) await cliptrace.jobs.cancel(job.id);
    await findBoilerplateIfGrown(parts, 'default');
    expect(await waiting()).toEqual([]);
    // The library as it was with eleven of fourteen videos.
    const before = { ...report, videoCount: 11 };
    await library.putBoilerplate('default', { report: before, segments: [], lastSegmentId: 0 });
    await findBoilerplateIfGrown(parts, 'default');
    await findBoilerplateIfGrown(parts, 'default');
    expect(await waiting()).toHaveLength(1);
    await library.putBoilerplate('default', { report, segments: [], lastSegmentId: 0 });
  });

  it('lists what is still there', async () => {
    const { library, encoder } = cliptrace;
    const parts = { library, modelId: encoder.manifest.id };
    const [listed] = await listBoilerplate(parts, ['default', 'nowhere'], { groups: 2, places: 3 });
    expect(listed).toMatchObject({ collection: 'default', videoCount: 8 + COPIES, leastVideos: 5 });
    expect(listed?.groups).toHaveLength(2);
    expect(listed?.groups[0]?.places).toHaveLength(3);
    expect(listed?.groups[0]?.representative).toEqual(listed?.groups[0]?.places[0]);
    expect(Object.keys(VIDEOS)).toContain(listed?.groups[0]?.representative.title);
  });
});

describe('a search', () => {
  for (const [piece, filter] of [
    ['ident', []],
    ['ident', ['-vf', 'crop=iw*0.9:ih*0.9,eq=brightness=0.08']],
    ['black', []],
    ['bars', []],
    ['bars', ['-vf', 'eq=brightness=0.08,scale=240:180']],
  ] as const) {
    it(`with nothing but the ${piece} finds no source: ${filter[1] ?? 'as it is'}`, async () => {
      await joined(query(piece), [piece], ...filter);
      const { hits, verdict } = await search(piece);
      expect(verdict).not.toBe('same-footage');
      expect(hits[0]?.score).toBeLessThan(0.3);
      expect(hits[0]?.boilerplate).toBeGreaterThan(0.9);
      expect(hits[0]?.explanation?.queryWeights.every((weight) => weight < 1)).toBe(true);
    });
  }

  for (const [name, pieces, startSeconds] of [
    ['bottle-detection', ['ident', 'cut'], 3 + 2],
    ['one-by-one-person-detection', ['cut', 'ident'], 6 + 2],
    ['fruit-and-vegetable-detection', ['bars', 'black', 'cut'], 3 + 2],
  ] as const) {
    it(`finds what else the query shows, at its time: ${pieces.join(', ')} of ${name}`, async () => {
      await ffmpeg('-ss', '2', '-i', part(name), '-t', '4', ...FORMAT, part('cut'));
      await joined(query('mixed'), pieces);
      const { hits } = await search('mixed');
      const [best] = hits;
      expect(best?.video.title).toBe(name);
      expect(best?.score).toBeGreaterThan(0.6);
      expect(best?.startSeconds).toBeGreaterThan(startSeconds - 0.5);
      expect(best?.startSeconds).toBeLessThan(startSeconds + 0.5);
      expect(best?.endSeconds).toBeGreaterThan(startSeconds + 3.5);
      expect(best?.endSeconds).toBeLessThan(startSeconds + 4.5);
      expect(best?.boilerplate).toBeLessThan(0.2);
      // The others share no more than the ident.
      for (const { score, verdict } of hits.slice(1)) {
        expect(score).toBeLessThan(0.3);
        expect(verdict).not.toBe('same-footage');
      }
    });
  }

  it('with a stored video that is mostly boilerplate goes by the rest', async () => {
    const titles = await titled();
    const id = [...titles].find(([, title]) => title === 'person-bicycle-car-detection')?.[0] as number;
    const { hits } = await cliptrace.searcher.search({
      query: { kind: 'video', videoId: id },
      k: 3,
      collection: 'default',
    });
    expect(hits[0]).toMatchObject({ video: { id }, verdict: 'same-footage' });
    expect(hits[0]?.boilerplate).toBeGreaterThan(0.5);
    expect(hits[1]?.verdict).not.toBe('same-footage');
  });
});

describe('repeatedSegments', () => {
  const VIDEO_COUNT = 8;
  const LENGTH = 6;

  /** Videos of six segments; `same(a, b, i)` tells whether the segments i of two videos are alike. */
  function library(same: (a: number, b: number, segment: number) => boolean): ComparedSegment[] {
    const id = (video: number, segment: number) => 1 + video * LENGTH + segment;
    return Array.from({ length: VIDEO_COUNT * LENGTH }, (_, i) => {
      const [video, segment] = [Math.floor(i / LENGTH), i % LENGTH];
      const near = Array.from({ length: VIDEO_COUNT }, (__, other) => other)
        .filter((other) => other !== video && same(video, other, segment))
        .map((other) => ({ segmentId: id(other, segment), videoId: other, similarity: 0.98 }));
      return { id: i + 1, videoId: video, startSeconds: segment, endSeconds: segment + 2, plain: null, near };
    });
  }

  it('takes what videos share that are otherwise different, not what copies share', () => {
    const ident = library((_a, _b, segment) => segment < 2);
    expect(repeatedSegments(ident, 5).size).toBe(2 * VIDEO_COUNT);
    expect(repeatedSegments(ident, VIDEO_COUNT + 1).size).toBe(0);
    const copies = library(() => true);
    expect(repeatedSegments(copies, 2).size).toBe(0);
    // Four pairs of copies with one ident are four videos.
    const pairs = library((a, b, segment) => segment < 2 || Math.floor(a / 2) === Math.floor(b / 2));
    expect(repeatedSegments(pairs, 4).size).toBe(2 * VIDEO_COUNT);
    expect(repeatedSegments(pairs, 5).size).toBe(0);
  });
});
