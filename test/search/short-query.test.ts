import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OpenedCliptrace } from '../../index/cliptrace.js';
import type { SearchHit } from '../../index/search/types.js';
import { ffmpeg } from '../fixtures/videos.js';
import { createWorkspace, indexInto, SAMPLES_FOLDER } from '../helpers/workspace.js';

const workspace = createWorkspace();
let cliptrace: OpenedCliptrace;

const FRAMES = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const shortVideo = (frames: number) => path.join(workspace.root, `of-${frames}.mp4`);
const LONG = ['nasa-13013', 'car-detection'].map((name) => path.join(SAMPLES_FOLDER, `${name}.mp4`));

beforeAll(async () => {
  cliptrace = await workspace.open();
  for (const frames of FRAMES) {
    // Each of another moment, so that they are different videos.
    const from = ['-ss', String(2 + frames), '-i', LONG[1] as string, '-r', '24'];
    await ffmpeg(...from, '-an', '-frames:v', String(frames), '-c:v', 'libx264', shortVideo(frames));
  }
  await indexInto(cliptrace, [...LONG, ...FRAMES.map(shortVideo)]);
});
afterAll(async () => {
  await cliptrace.close();
  workspace.remove();
});

function expectWithin({ video, parts, ...hit }: SearchHit, querySeconds: number): void {
  for (const { startSeconds, endSeconds, queryStartSeconds, queryEndSeconds } of [hit, ...parts]) {
    expect(startSeconds).toBeGreaterThanOrEqual(0);
    expect(endSeconds).toBeGreaterThan(startSeconds);
    expect(endSeconds).toBeLessThanOrEqual(video.durationSeconds);
    expect(queryStartSeconds).toBe(0);
    expect(queryEndSeconds).toBeGreaterThan(0);
    expect(queryEndSeconds).toBeLessThanOrEqual(querySeconds);
  }
}

describe('a query that is shorter than a timestep of its clip', () => {
  test.each(FRAMES)('finds its own video: %i frames of 24 a second', async (frames) => {
    const query = { kind: 'file', filePath: shortVideo(frames) } as const;
    const { hits } = await cliptrace.searcher.search({ query, k: 5, collection: 'default' });
    const [own, next] = hits;
    expect(own?.video.title).toBe(`of-${frames}`);
    expect(own?.score).toBeGreaterThan(next?.score ?? 0);
    for (const hit of hits) expectWithin(hit, Math.max(1 / 8, Math.ceil(frames / 3) / 8));
  });

  test('that is a part of a stored video finds that video', async () => {
    const { videos } = await cliptrace.library.listVideos({ q: 'nasa-13013', limit: 1 });
    const [video] = videos;
    if (!video) throw new Error('The sample is missing');
    for (const startSeconds of [0, 3.1, 8.05]) {
      const { hits } = await cliptrace.searcher.search({
        query: { kind: 'video', videoId: video.id, startSeconds, endSeconds: startSeconds + 0.2 },
        k: 3,
        collection: 'default',
      });
      expect(hits[0]?.video.id).toBe(video.id);
      expect(Math.abs((hits[0] as SearchHit).startSeconds - startSeconds)).toBeLessThan(0.3);
    }
  });
});
