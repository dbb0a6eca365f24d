import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorkspace } from '../helpers/workspace.js';

const SAMPLES = [
  'classroom.mp4',
  'people-detection.mp4',
  'store-aisle-detection.mp4',
  'worker-zone-detection.mp4',
  'face-demographics-walking.mp4',
  'car-detection.mp4',
];
/** From before the library is opened to after the last video. */
const KILL_AFTER_MS = [900, 1300, 1600, 1900, 2200, 2600];

const workspace = createWorkspace();

beforeAll(async () => {
  for (const sample of SAMPLES) await workspace.addSample(sample);
});
afterAll(() => workspace.remove());

describe('an indexing that is killed', () => {
  it('loses no finished video and duplicates none, at whatever moment', async () => {
    let finishedBefore = 0;
    for (const [round, killAfterMs] of KILL_AFTER_MS.entries()) {
      // The process alone, or all of its group: ffmpeg children must not matter either way.
      await workspace.cli(['index', workspace.archive], { killAfterMs, killGroup: round % 2 === 0 });
      const cliptrace = await workspace.open();
      const { videos } = await cliptrace.library.listVideos({ limit: 100 });
      const modelId = cliptrace.encoder.manifest.id;
      expect(new Set(videos.map((video) => video.contentHash)).size).toBe(videos.length);
      expect(videos.length).toBeGreaterThanOrEqual(finishedBefore);
      for (const video of videos) {
        const segments = await cliptrace.library.segmentsOf(video.id, modelId);
        expect(segments.at(-1)?.endSeconds).toBeCloseTo(video.durationSeconds, 2);
      }
      await cliptrace.opened;
      expect(await cliptrace.index.size()).toBe(await cliptrace.library.countSegments(modelId));
      finishedBefore = videos.length;
      await cliptrace.close();
    }

    const { code, stdout } = await workspace.cli(['index', workspace.archive, '--json']);
    expect(code).toBe(0);
    const { counts } = JSON.parse(stdout) as { counts: { indexed: number; unchanged: number } };
    expect(counts.indexed + counts.unchanged).toBe(SAMPLES.length);
    expect(counts.unchanged).toBe(finishedBefore);
    const cliptrace = await workspace.open('read');
    expect((await cliptrace.library.listVideos({ limit: 100 })).totalCount).toBe(SAMPLES.length);
    await cliptrace.close();
    expect(await readdir(cliptrace.dataFolder.temporaryFolder)).toEqual([]);
  });
});
