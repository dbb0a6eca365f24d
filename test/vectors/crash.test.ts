import { describe, expect, it } from 'vitest';
import { openLibrary } from '../../index/library/sqlite-library.js';
import { ExactIndex } from '../../index/vectors/exact-index.js';
import { openSegmentIndex } from '../../index/vectors/index-follower.js';
import { kill, startChild } from '../library/children/start.js';
import { MODEL, temporaryDataFolder } from '../library/fixtures.js';
import { unitVectors } from './vectors.js';

describe('a process that is killed while it follows and saves the index', () => {
  it('leaves a snapshot that loads, and an index that holds what the library holds', async () => {
    const dataFolder = await temporaryDataFolder();
    const folder = dataFolder.vectorsFolder;
    const queries = unitVectors(10, MODEL.dimension, 1);
    for (const round of [1, 2]) {
      const child = startChild('follow-index', [dataFolder.root, String(round * 1000)]);
      await new Promise<void>((resolve) => {
        child.on('message', ({ saved }: { saved: number }) => {
          if (saved >= round * 1000 + 4 + round) resolve();
        });
      });
      // At another moment of its work each time.
      await new Promise((resolve) => setTimeout(resolve, 3 * round));
      await kill(child);

      const library = await openLibrary({ dataFolder, mode: 'write' });
      const { index, opening } = await openSegmentIndex({ library, model: MODEL, folder, writable: true });
      expect(opening).toMatchObject({ how: 'loaded', segmentCount: await library.countSegments(MODEL.id) });
      const exact = new ExactIndex(MODEL.dimension);
      const { ids, vectors } = await library.readVectors(MODEL.id, 0, 1_000_000);
      await exact.add(ids, vectors);
      const [found, expected] = [await index.search(queries, 10), await exact.search(queries, 10)];
      expect(found.map((neighbours) => neighbours.ids)).toEqual(expected.map((neighbours) => neighbours.ids));
      await index.close();
      await library.close();
    }
  });
});
