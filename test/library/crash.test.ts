import { describe, expect, it } from 'vitest';
import { openLibrary } from '../../index/library/sqlite-library.js';
import type { DataFolder } from '../../index/types.js';
import { kill, startChild } from './children/start.js';
import { MODEL, temporaryDataFolder } from './fixtures.js';

interface Told {
  finished: Set<number>;
  /** Their removal may or may not have been committed. */
  removing: Set<number>;
  removed: Set<number>;
}

/** Lets a child write until it has finished `count` videos and then for a moment more, and kills it in the middle. */
async function writeAndKill(dataFolder: DataFolder, firstName: number, count: number): Promise<Told> {
  const told: Told = { finished: new Set(), removing: new Set(), removed: new Set() };
  const child = startChild('write-videos', [dataFolder.root, String(firstName)]);
  await new Promise<void>((resolve) => {
    child.on('message', (message: { finished?: number; removing?: number; removed?: number }) => {
      if (message.finished !== undefined) told.finished.add(message.finished);
      if (message.removing !== undefined) told.removing.add(message.removing);
      if (message.removed !== undefined) told.removed.add(message.removed);
      if (told.finished.size >= count) resolve();
    });
  });
  await new Promise((resolve) => setTimeout(resolve, (firstName % 7) + 1));
  await kill(child);
  return told;
}

describe('a writer that is killed', () => {
  it('loses no finished video, keeps no half one, and leaves a sound file', async () => {
    const dataFolder = await temporaryDataFolder();
    for (const round of [1, 2, 3]) {
      const told = await writeAndKill(dataFolder, round * 1000, 8 + round);

      const library = await openLibrary({ dataFolder, mode: 'write' });
      expect(await library.check(true)).toEqual([]);
      const { videos } = await library.listVideos({ limit: 1000 });
      const hashes = new Set(videos.map((video) => video.contentHash));
      expect(hashes.size).toBe(videos.length);
      for (const name of told.finished) {
        if (!told.removing.has(name)) expect(hashes).toContain(`hash-${name}`);
      }
      for (const name of told.removed) expect(hashes).not.toContain(`hash-${name}`);

      let segmentCount = 0;
      for (const video of videos) {
        const segments = await library.segmentsOf(video.id, MODEL.id);
        expect(segments.length).toBe(video.segmentCount);
        expect(video.segmentCount).toBe(150);
        expect((await library.filesOf(video.id)).length).toBe(1);
        segmentCount += segments.length;
      }
      expect(await library.countSegments(MODEL.id)).toBe(segmentCount);
      expect(await netChanges(library)).toBe(segmentCount);
      await library.close();
    }
  });
});

/** Additions less removals of the whole change log. */
async function netChanges(library: Awaited<ReturnType<typeof openLibrary>>): Promise<number> {
  const changes = await library.changesAfter(MODEL.id, 0, 1_000_000);
  return changes.reduce((sum, { kind }) => sum + (kind === 'added' ? 1 : -1), 0);
}
