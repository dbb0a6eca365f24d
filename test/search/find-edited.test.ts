import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedCliptrace } from '../../index/cliptrace.js';
import { type CutRequest, cutClip } from '../../index/media/clip-cutter.js';
import { defaultMediaLimits } from '../../index/media/limits.js';
import type { SearchAnswer } from '../../index/search/types.js';
import { createWorkspace, indexInto, SAMPLES_FOLDER } from '../helpers/workspace.js';

const workspace = createWorkspace();
let cliptrace: OpenedCliptrace;

beforeAll(async () => {
  await mkdir(path.join(workspace.root, 'queries'));
  cliptrace = await workspace.open();
  await indexInto(cliptrace, [SAMPLES_FOLDER]);
  // A video shorter than the encoder's clip, of a scene that is not among the samples' first seconds.
  await cut('nasa-13013', { startSeconds: 9, durationSeconds: 0.7, codec: 'libx264', outPath: shortVideo });
  await indexInto(cliptrace, [shortVideo], { collection: 'short' });
});
afterAll(async () => {
  await cliptrace.close();
  workspace.remove();
});

const shortVideo = path.join(workspace.root, 'blink.mp4');

type Edit = Pick<CutRequest, 'cropFraction' | 'scaleHeight' | 'framesPerSecond' | 'codec' | 'brightness'>;

const EDITS: Record<string, Edit> = {
  're-encoded, smaller, other frame rate': {
    cropFraction: 1,
    codec: 'mpeg4',
    scaleHeight: 144,
    framesPerSecond: 15,
  },
  'cropped to 80 %': { cropFraction: 0.8, codec: 'libx264' },
  brightened: { cropFraction: 1, codec: 'libx264', brightness: 0.15 },
  darkened: { cropFraction: 1, codec: 'libx264', brightness: -0.15 },
};

const PARTS = [
  { video: 'car-detection', startSeconds: 11.3, durationSeconds: 6 },
  { video: 'bottle-detection', startSeconds: 4.6, durationSeconds: 6 },
  { video: 'nasa-13013', startSeconds: 7.2, durationSeconds: 5 },
] as const;

async function cut(
  video: string,
  request: Partial<CutRequest> & Pick<CutRequest, 'startSeconds' | 'durationSeconds' | 'codec' | 'outPath'>,
) {
  await cutClip({
    ffmpeg: cliptrace.ffmpeg,
    filePath: path.join(SAMPLES_FOLDER, `${video}.mp4`),
    cropFraction: 1,
    limits: defaultMediaLimits,
    ...request,
  });
}

const searchFile = (filePath: string, collection = 'default'): Promise<SearchAnswer> =>
  cliptrace.searcher.search({ query: { kind: 'file', filePath }, k: 10, collection });

describe('an edited part of an indexed video', () => {
  for (const [name, edit] of Object.entries(EDITS)) {
    it(`finds that video first, at the right time: ${name}`, async () => {
      for (const { video, startSeconds, durationSeconds } of PARTS) {
        const outPath = path.join(workspace.root, 'queries', `${video}-${name.replace(/\W+/g, '-')}.avi`);
        await cut(video, { startSeconds, durationSeconds, ...edit, outPath });
        const { hits } = await searchFile(outPath);
        const [first] = hits;
        expect(first?.video.title).toBe(video);
        const foundSeconds = (first?.startSeconds ?? Number.NaN) - (first?.queryStartSeconds ?? 0);
        expect(Math.abs(foundSeconds - startSeconds), `${video}: ${foundSeconds} s`).toBeLessThan(1.5);
        expect(first?.endSeconds).toBeGreaterThan(first?.startSeconds as number);
      }
    });
  }

  it('scores in [0, 1], best first, one hit a video', async () => {
    const { hits, model, timings } = await searchFile(path.join(SAMPLES_FOLDER, 'classroom.mp4'));
    expect(hits.length).toBe(10);
    expect(hits[0]?.video.title).toBe('classroom');
    expect(hits[0]?.startSeconds).toBeCloseTo(0, 1);
    expect(hits[0]?.queryStartSeconds).toBeCloseTo(0, 1);
    expect(hits[0]?.score).toBeGreaterThan(0.9);
    const scores = hits.map((hit) => hit.score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(Math.min(...scores)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...scores)).toBeLessThanOrEqual(1);
    expect(new Set(hits.map((hit) => hit.video.id)).size).toBe(hits.length);
    expect(model.id).toBe(cliptrace.encoder.manifest.id);
    expect(timings.totalMs).toBeGreaterThanOrEqual(timings.searchMs);
  });

  it('finds a video that is shorter than one clip', async () => {
    const [video] = (await cliptrace.library.listVideos({ collection: 'short', limit: 1 })).videos;
    expect(video?.segmentCount).toBe(1);
    const { hits } = await cliptrace.searcher.search({ query: { kind: 'file', filePath: shortVideo }, k: 2 });
    expect(hits[0]?.video.id).toBe(video?.id);
    expect(hits[0]?.endSeconds).toBeLessThanOrEqual(video?.durationSeconds ?? 0);
  });
});

describe('a stored video as the query', () => {
  const idOf = async (title: string) =>
    (await cliptrace.library.listVideos({ q: title, limit: 1 })).videos[0]?.id as number;

  it('finds itself with all of its length, and others when it is left out', async () => {
    const videoId = await idOf('car-detection');
    const itself = await cliptrace.searcher.search({ query: { kind: 'video', videoId }, k: 3 });
    expect(itself.hits[0]?.video.id).toBe(videoId);
    expect(itself.hits[0]?.score).toBeCloseTo(1, 3);
    expect(itself.hits[0]?.startSeconds).toBeCloseTo(0, 1);
    expect(itself.timings).toMatchObject({ decodeMs: 0, encodeMs: 0 });
    const others = await cliptrace.searcher.search({
      query: { kind: 'video', videoId },
      k: 3,
      excludeSelf: true,
    });
    expect(others.hits).toHaveLength(3);
    expect(others.hits.map((hit) => hit.video.id)).not.toContain(videoId);
  });

  it('finds a range of itself at that range', async () => {
    const videoId = await idOf('nasa');
    const query = { kind: 'video', videoId, startSeconds: 6, endSeconds: 11 } as const;
    const { hits } = await cliptrace.searcher.search({ query, k: 1 });
    expect(hits[0]?.startSeconds).toBeCloseTo(6, 0);
    expect(hits[0]?.endSeconds).toBeCloseTo(11, 0);
  });

  it('refuses what is not there', async () => {
    const search = (query: { videoId: number; startSeconds?: number }) =>
      cliptrace.searcher.search({ query: { kind: 'video', ...query }, k: 1 });
    await expect(search({ videoId: 9999 })).rejects.toMatchObject({ code: 'VIDEO_NOT_FOUND' });
    const videoId = await idOf('classroom');
    await expect(search({ videoId, startSeconds: 100 })).rejects.toMatchObject({
      code: 'RANGE_NOT_IN_VIDEO',
    });
  });

  it('keeps to the collection and the label that it is told', async () => {
    const videoId = await idOf('classroom');
    const query = { kind: 'video', videoId } as const;
    const short = await cliptrace.searcher.search({ query, k: 10, collection: 'short' });
    expect(short.hits.map((hit) => hit.video.collection)).toEqual(['short']);
    const unlabelled = await cliptrace.searcher.search({ query, k: 10, label: 'nothing has this label' });
    expect(unlabelled.hits).toEqual([]);
  });
});
