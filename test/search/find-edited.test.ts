import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedCliptrace } from '../../index/cliptrace.js';
import { makeEdit } from '../../index/evaluation/edits/make-edit.js';
import { planEdit } from '../../index/evaluation/edits/plan-edit.js';
import type { EditName, EditTruth } from '../../index/evaluation/edits/types.js';
import { seeded } from '../../index/evaluation/seeded-random.js';
import type { Video } from '../../index/library/types.js';
import { type CutRequest, cutClip } from '../../index/media/clip-cutter.js';
import { defaultMediaLimits } from '../../index/media/limits.js';
import type { SearchAnswer, SearchHit } from '../../index/search/types.js';
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

/** Edits a part, searches with it, and compares the first hit with what was done. */
async function findEdited(edits: readonly EditName[], part: (typeof PARTS)[number]) {
  const { videos } = await cliptrace.library.listVideos({ q: part.video, limit: 20 });
  const video = videos.find(({ title }) => title === part.video) as Video;
  const endSeconds = part.startSeconds + part.durationSeconds;
  const plan = planEdit({
    edits,
    part: { startSeconds: part.startSeconds, endSeconds },
    picture: video,
    random: seeded(5),
  });
  const outPath = path.join(workspace.root, 'queries', 'edited.mkv');
  await makeEdit({
    ffmpeg: cliptrace.ffmpeg,
    filePath: await cliptrace.mediaPath(video.id),
    plan,
    outPath,
    limits: defaultMediaLimits,
  });
  const { hits } = await searchFile(outPath);
  return { hit: hits[0] as SearchHit, truth: plan.truth };
}

describe('an edited part of an indexed video', () => {
  for (const [edits, part] of [
    [['re-encode', 'scale'], PARTS[0]],
    [['crop-80', 'brightness'], PARTS[1]],
    [['mirror'], PARTS[2]],
    [['speed-0.8'], PARTS[0]],
    [['borders'], PARTS[1]],
    [['intro'], PARTS[1]],
    [['logo', 'subtitles'], PARTS[2]],
    [['frame-rate', 'contrast'], PARTS[1]],
  ] as const) {
    it(`finds that video first, at the right time: ${edits.join(', ')}`, async () => {
      const { hit, truth } = await findEdited(edits, part);
      expect(hit.video.title).toBe(part.video);
      const [shared] = truth.shared as [EditTruth['shared'][number]];
      const off = (found: number, wanted: number) => Math.abs(found - wanted);
      expect(off(hit.startSeconds, shared.video.startSeconds), 'start').toBeLessThan(1);
      expect(off(hit.endSeconds, shared.video.endSeconds), 'end').toBeLessThan(1);
      expect(off(hit.queryStartSeconds, shared.query.startSeconds), 'start of the query').toBeLessThan(1);
      expect(hit.speed).toBeGreaterThan(truth.speed * 0.9);
      expect(hit.speed).toBeLessThan(truth.speed * 1.1);
      expect(hit.mirrored).toBe(truth.mirrored);
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
    expect(itself.hits[0]?.score).toBeCloseTo(1, 2);
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
