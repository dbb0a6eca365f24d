import { describe, expect, it } from 'vitest';
import type { Library } from '../../index/library/types.js';
import { MODEL, putVideo, temporaryLibrary } from './fixtures.js';

const pathsOf = async (library: Library, id: number) => (await library.filesOf(id)).map(({ path }) => path);

function join(
  library: Library,
  path: string,
  name: number,
  left: Awaited<ReturnType<Library['filesOf']>> = [],
) {
  return library.joinVideo({
    file: { path, collection: 'default', sizeBytes: 7, modifiedMs: 8.5, owned: false },
    contentHash: `hash-${name}`,
    modelId: MODEL.id,
    left,
  });
}

describe('joinVideo', () => {
  it('gives a place to the video of its content, and tells which one lay there alone', async () => {
    const { library } = await temporaryLibrary();
    const [one, two] = [await putVideo(library, 1), await putVideo(library, 2)];
    const before = await library.filesOf(one.id);
    const joined = await join(library, '/archive/2.mp4', 1, before);
    expect(joined).toEqual({ video: one, before, left: before, unplacedVideoId: two.id });
    expect(await pathsOf(library, one.id)).toEqual(['/archive/2.mp4']);
    expect(await library.unplacedVideos('default')).toEqual([two]);
  });

  it('leaves a place alone that is no longer as it was seen', async () => {
    const { library } = await temporaryLibrary();
    const [one, two] = [await putVideo(library, 1), await putVideo(library, 2)];
    const seen = await library.filesOf(one.id);
    await join(library, '/archive/1.mp4', 2);
    const joined = await join(library, '/archive/3.mp4', 1, seen);
    expect(joined).toMatchObject({ before: [], left: [], unplacedVideoId: null });
    expect(await pathsOf(library, two.id)).toEqual(['/archive/1.mp4', '/archive/2.mp4']);
    expect(await pathsOf(library, one.id)).toEqual(['/archive/3.mp4']);
  });

  it('writes nothing where no video has the content, in that collection and of that model', async () => {
    const { library } = await temporaryLibrary();
    const video = await putVideo(library, 1);
    await putVideo(library, 2, { video: { collection: 'other' } });
    expect(await join(library, '/archive/9.mp4', 2)).toBeNull();
    await putVideo(library, 3, { path: '/archive/1.mp4', replaceVideoId: video.id });
    expect(await join(library, '/archive/9.mp4', 1)).toBeNull();
    expect(await library.findFile('default', '/archive/9.mp4')).toBeNull();
  });
});

describe('a video that is to be replaced', () => {
  it('keeps its content where that lies elsewhere by now', async () => {
    const { library } = await temporaryLibrary();
    const old = await putVideo(library, 1, { video: { label: 'sea' } });
    await join(library, '/archive/older.mp4', 1, await library.filesOf(old.id));
    const video = { label: undefined, contentHash: 'hash-2' };
    const fresh = await putVideo(library, 2, { path: '/archive/1.mp4', replaceVideoId: old.id, video });
    expect(fresh).toMatchObject({ contentHash: 'hash-2', label: null });
    expect(await library.getVideo(old.id)).toEqual(old);
    expect(await pathsOf(library, old.id)).toEqual(['/archive/older.mp4']);
    expect(await pathsOf(library, fresh.id)).toEqual(['/archive/1.mp4']);
  });

  it('gives its label to what replaces it', async () => {
    const { library } = await temporaryLibrary();
    const { id } = await putVideo(library, 1, { video: { label: 'sea' } });
    const video = { label: undefined };
    expect(await putVideo(library, 2, { path: '/archive/1.mp4', replaceVideoId: id, video })).toMatchObject({
      id,
      label: 'sea',
    });
  });
});

describe('removeUnplacedVideo', () => {
  it('removes a video that no file has, and no other', async () => {
    const { library } = await temporaryLibrary();
    const { id } = await putVideo(library, 1);
    expect(await library.removeUnplacedVideo(id)).toBe(false);
    for (const file of await library.filesOf(id)) {
      expect(await library.removePlace({ ...file, modifiedMs: 99 })).toBe(false);
      expect(await library.removePlace(file)).toBe(true);
      expect(await library.removePlace(file)).toBe(false);
    }
    expect(await library.removeUnplacedVideo(id)).toBe(true);
    expect(await library.getVideo(id)).toBeNull();
    expect(await library.listCollections()).toEqual([]);
  });
});
