import { describe, expect, it, onTestFinished } from 'vitest';
import type { SqliteLibrary } from '../../index/library/sqlite-library.js';
import type { DataFolder } from '../../index/types.js';
import { openSegmentIndex } from '../../index/vectors/index-follower.js';
import { MODEL, putVideo, temporaryLibrary } from '../library/fixtures.js';
import { unitVectors } from './vectors.js';

async function openIndex(library: SqliteLibrary, dataFolder: DataFolder, writable = true) {
  const opened = await openSegmentIndex({
    library,
    model: MODEL,
    folder: dataFolder.vectorsFolder,
    writable,
  });
  onTestFinished(() => opened.index.close());
  return opened;
}

describe('openSegmentIndex', () => {
  it('follows the library and is the same after a restart', async () => {
    const { library, dataFolder } = await temporaryLibrary();
    const { index, opening } = await openIndex(library, dataFolder);
    expect(opening).toMatchObject({ how: 'empty', reason: null, segmentCount: 0 });
    for (let name = 1; name <= 20; name += 1) await putVideo(library, name);
    await index.catchUp();
    await library.removeVideo(3);
    await index.catchUp();
    expect(await index.size()).toBe(57);
    const queries = unitVectors(5, MODEL.dimension, 77);
    const answers = await index.search(queries, 10);
    await index.saveSnapshot();
    await putVideo(library, 21);
    await index.close();

    const again = await openIndex(library, dataFolder);
    expect(again.opening).toMatchObject({ how: 'loaded', reason: null, segmentCount: 60 });
    await library.removeVideo(21);
    await again.index.catchUp();
    expect(await again.index.search(queries, 10)).toEqual(answers);
  });
});
