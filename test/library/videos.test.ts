import { describe, expect, it } from 'vitest';
import { openLibrary } from '../../index/library/sqlite-library.js';
import { MODEL, putVideo, registerModel, segmentBatch, temporaryLibrary, videoInput } from './fixtures.js';

describe('putVideo', () => {
  it('stores video, file and segments, and gives back what was put in', async () => {
    const { library } = await temporaryLibrary();
    const input = videoInput({ framesPerSecond: null, label: 'sea', hasAudio: false, damaged: true });
    const video = await library.putVideo({
      video: input,
      file: { path: '/archive/a.mp4', sizeBytes: 5, modifiedMs: 1700000000123.4568, owned: true },
      modelId: MODEL.id,
      segments: segmentBatch(7, 1),
    });
    expect(video).toMatchObject({ ...input, segmentCount: 7 });
    expect(new Date(video.addedAt).toISOString()).toBe(video.addedAt);
    expect(await library.getVideo(video.id)).toEqual(video);
    expect(await library.findVideos([video.id, 999])).toEqual(new Map([[video.id, video]]));
    expect(await library.findVideoByContent('default', input.contentHash)).toEqual(video);
    expect(await library.findVideoByContent('other', input.contentHash)).toBeNull();
    expect(await library.filesOf(video.id)).toEqual([
      {
        path: '/archive/a.mp4',
        videoId: video.id,
        collection: 'default',
        sizeBytes: 5,
        modifiedMs: 1700000000123.4568,
        owned: true,
        device: null,
      },
    ]);
  });

  it('makes one video of the same content put twice, with both files and the same segments', async () => {
    const { library } = await temporaryLibrary();
    const first = await putVideo(library, 1, { path: '/a.mp4' });
    const ids = (await library.segmentsOf(first.id, MODEL.id)).map((segment) => segment.id);
    const [second, third] = await Promise.all([
      putVideo(library, 1, { path: '/b.mp4' }),
      putVideo(library, 1, { path: '/c.mp4' }),
    ]);
    expect([second.id, third.id]).toEqual([first.id, first.id]);
    expect((await library.filesOf(first.id)).map((file) => file.path)).toEqual([
      '/a.mp4',
      '/b.mp4',
      '/c.mp4',
    ]);
    expect((await library.segmentsOf(first.id, MODEL.id)).map((segment) => segment.id)).toEqual(ids);
    expect((await library.listVideos({ limit: 10 })).totalCount).toBe(1);
  });

  it('keeps the same content apart in another collection', async () => {
    const { library } = await temporaryLibrary();
    const one = await putVideo(library, 1);
    const other = await putVideo(library, 1, { video: { collection: 'other' } });
    expect(other.id).not.toBe(one.id);
    expect(await library.listCollections()).toEqual([
      { id: expect.any(Number), name: 'default', videoCount: 1 },
      { id: expect.any(Number), name: 'other', videoCount: 1 },
    ]);
  });

  it('replaces content and segments under the same id, and never gives a segment id again', async () => {
    const { library } = await temporaryLibrary();
    const video = await putVideo(library, 1);
    const before = (await library.segmentsOf(video.id, MODEL.id)).map((segment) => segment.id);
    const replaced = await putVideo(library, 2, {
      path: '/archive/1.mp4',
      replaceVideoId: video.id,
      segments: segmentBatch(5, 2),
    });
    expect(replaced).toMatchObject({
      id: video.id,
      contentHash: 'hash-2',
      segmentCount: 5,
      addedAt: video.addedAt,
    });
    const after = (await library.segmentsOf(video.id, MODEL.id)).map((segment) => segment.id);
    expect(Math.min(...after)).toBeGreaterThan(Math.max(...before));
    expect((await library.findSegments([...before, ...after])).size).toBe(5);
    expect(await library.findVideoByContent('default', 'hash-1')).toBeNull();
  });

  it('joins the file to the twin when a changed file has become the same as another', async () => {
    const { library } = await temporaryLibrary();
    const changed = await putVideo(library, 1);
    const twin = await putVideo(library, 2);
    const result = await putVideo(library, 2, { path: '/archive/1.mp4', replaceVideoId: changed.id });
    expect(result.id).toBe(twin.id);
    expect((await library.filesOf(twin.id)).map((file) => file.path)).toEqual([
      '/archive/1.mp4',
      '/archive/2.mp4',
    ]);
    expect(await library.getVideo(changed.id)).toBeNull();
  });

  it('keeps a replaced video that has other files when one of them becomes the same as another video', async () => {
    const { library } = await temporaryLibrary();
    const changed = await putVideo(library, 1);
    await putVideo(library, 1, { path: '/archive/copy-of-1.mp4' });
    const twin = await putVideo(library, 2);
    await putVideo(library, 2, { path: '/archive/1.mp4', replaceVideoId: changed.id });
    expect((await library.filesOf(changed.id)).map((file) => file.path)).toEqual(['/archive/copy-of-1.mp4']);
    expect((await library.filesOf(twin.id)).length).toBe(2);
  });

  it('embeds again a video that another model has embedded', async () => {
    const { library } = await temporaryLibrary();
    const next = { id: 'next-model-00000002', dimension: 8, timesteps: 2 };
    await registerModel(library, next);
    const video = await putVideo(library, 1);
    expect(await library.staleVideos(next.id)).toEqual([video.id]);
    const again = await putVideo(library, 1, { modelId: next.id, segments: segmentBatch(4, 9, next) });
    expect(again).toMatchObject({ id: video.id, segmentCount: 4 });
    expect(await library.staleVideos(next.id)).toEqual([]);
    expect(await library.hasSegments(video.id, MODEL.id)).toBe(false);
    expect(await library.countSegments(next.id)).toBe(4);
  });

  it('refuses to replace a video that was removed, or that is of another collection', async () => {
    const { library } = await temporaryLibrary();
    const other = await putVideo(library, 1, { video: { collection: 'other' } });
    for (const replaceVideoId of [4711, other.id]) {
      await expect(putVideo(library, 2, { replaceVideoId })).rejects.toMatchObject({
        code: 'VIDEO_NOT_FOUND',
      });
    }
    expect((await library.listVideos({ limit: 10 })).totalCount).toBe(1);
  });

  it('refuses a model that is not registered', async () => {
    const { library } = await temporaryLibrary();
    await expect(putVideo(library, 1, { modelId: 'unknown' })).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
    });
    expect(await library.listCollections()).toEqual([]);
  });
});

describe('removeVideo', () => {
  it('takes everything along in one step and tells which files were ours', async () => {
    const { library } = await temporaryLibrary();
    const video = await putVideo(library, 1, { owned: true, path: '/data/media/1.mp4' });
    await putVideo(library, 1, { path: '/archive/1.mp4' });
    const kept = await putVideo(library, 2, { video: { collection: 'kept' } });
    const now = await library.getVideo(video.id);
    expect(await library.removeVideo(video.id)).toEqual({ video: now, ownedPaths: ['/data/media/1.mp4'] });
    expect(await library.removeVideo(video.id)).toBeNull();
    expect(await library.getVideo(video.id)).toBeNull();
    expect(await library.filesBelow('default', '/')).toEqual([]);
    expect(await library.countSegments(MODEL.id)).toBe(3);
    expect((await library.readVectors(MODEL.id, 0, 100)).ids.length).toBe(3);
    expect((await library.listCollections()).map(({ name }) => name)).toEqual(['kept']);
    expect(await library.segmentsOf(kept.id, MODEL.id)).toHaveLength(3);
    expect(await library.check(true)).toEqual([]);
  });
});

describe('updateVideo', () => {
  it('changes what is given only', async () => {
    const { library } = await temporaryLibrary();
    const video = await putVideo(library, 1, { video: { label: 'sea' } });
    await library.updateVideo(video.id, { title: 'Storm' });
    expect(await library.getVideo(video.id)).toMatchObject({ title: 'Storm', label: 'sea' });
    await library.updateVideo(video.id, { label: null });
    expect(await library.getVideo(video.id)).toMatchObject({ title: 'Storm', label: null });
    expect((await library.listVideos({ q: 'storm', limit: 1 })).totalCount).toBe(1);
    await expect(library.updateVideo(99, { title: 'x' })).rejects.toMatchObject({ code: 'VIDEO_NOT_FOUND' });
  });
});

describe('countVideos', () => {
  it('counts what a filter allows, and no further than asked', async () => {
    const { library } = await temporaryLibrary();
    for (let name = 1; name <= 7; name += 1) {
      await putVideo(library, name, { video: { label: name % 2 === 0 ? 'even' : 'odd' } });
    }
    expect(await library.countVideos({}, 100)).toBe(7);
    expect(await library.countVideos({}, 3)).toBe(3);
    expect(await library.countVideos({ label: 'even' }, 100)).toBe(3);
    expect(await library.countVideos({ label: 'even' }, 2)).toBe(2);
    expect(await library.countVideos({ label: 'neither' }, 2)).toBe(0);
  });
});

describe('listVideos', () => {
  it('pages through all, newest first, though videos come and go meanwhile', async () => {
    const { library } = await temporaryLibrary();
    for (let name = 1; name <= 7; name += 1) await putVideo(library, name);
    const first = await library.listVideos({ limit: 3 });
    expect(first.videos.map(({ id }) => id)).toEqual([7, 6, 5]);
    expect(first.totalCount).toBe(7);
    await putVideo(library, 8);
    await library.removeVideo(5);
    await library.removeVideo(4);
    const second = await library.listVideos({ limit: 3, cursor: first.nextCursor as string });
    expect(second.videos.map(({ id }) => id)).toEqual([3, 2, 1]);
    expect(second.nextCursor).toBeNull();
  });

  it('gives no next page when the last one is full', async () => {
    const { library } = await temporaryLibrary();
    for (let name = 1; name <= 4; name += 1) await putVideo(library, name);
    const first = await library.listVideos({ limit: 2 });
    const second = await library.listVideos({ limit: 2, cursor: first.nextCursor as string });
    expect(second.nextCursor).toBeNull();
  });

  it('filters by collection and label together', async () => {
    const { library } = await temporaryLibrary();
    await putVideo(library, 1, { video: { collection: 'a', label: 'x' } });
    await putVideo(library, 2, { video: { collection: 'a', label: 'y' } });
    await putVideo(library, 3, { video: { collection: 'b', label: 'x' } });
    const ids = async (query: object) =>
      (await library.listVideos({ limit: 10, ...query })).videos.map(({ id }) => id);
    expect(await ids({ collection: 'a' })).toEqual([2, 1]);
    expect(await ids({ label: 'x' })).toEqual([3, 1]);
    expect(await ids({ collection: 'a', label: 'x' })).toEqual([1]);
    expect(await ids({ collection: 'nowhere' })).toEqual([]);
  });

  it.each([
    ['HARBOUR', 'Harbour at dawn', '/x/1.mp4'],
    ['100%', '100% real', '/x/1.mp4'],
    ['a_b', 'a_b', '/x/1.mp4'],
    ["o'clock", "At 5 o'clock", '/x/1.mp4'],
    ['МОСКВА', 'Вечер: москва', '/x/1.mp4'],
    ['東京', '東京の夜', '/x/1.mp4'],
    // Typed composed, named decomposed as macOS does.
    ['\u00e9t\u00e9', 'Holiday', '/x/e\u0301te\u0301.mov'],
    ['clip-17', 'Something', '/x/some folder/Clip-17.MP4'],
  ])('finds %j by title %j or file %j', async (q, title, path) => {
    const { library } = await temporaryLibrary();
    await putVideo(library, 1, { video: { title }, path });
    await putVideo(library, 2, { video: { title: 'axb 100 per cent' }, path: '/Clip/unrelated.mp4' });
    const page = await library.listVideos({ q, limit: 10 });
    expect(page.videos.map(({ id }) => id)).toEqual([1]);
    expect(page.totalCount).toBe(1);
  });

  it.each([
    '',
    'x',
    'djE6',
    Buffer.from('v1:0').toString('base64url'),
    Buffer.from('v2:5').toString('base64url'),
    'djE6NQ==',
    "djE6NQ' OR 1=1",
    '💥',
  ])('refuses the cursor %j', async (cursor) => {
    const { library } = await temporaryLibrary();
    await expect(library.listVideos({ limit: 10, cursor })).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
    });
  });
});

describe('readers and a writer', () => {
  it('see what is committed, in files of their own', async () => {
    const { library, dataFolder } = await temporaryLibrary();
    await putVideo(library, 1);
    const reader = await openLibrary({ dataFolder, mode: 'read' });
    expect((await reader.listVideos({ limit: 10 })).totalCount).toBe(1);
    await putVideo(library, 2);
    expect((await reader.listVideos({ limit: 10 })).totalCount).toBe(2);
    expect(await reader.lastSequence()).toBe(await library.lastSequence());
    await expect(putVideo(reader, 3)).rejects.toMatchObject({ code: 'DATA_FOLDER_NOT_WRITABLE' });
    await reader.close();
  });
});

describe('registerModel', () => {
  it('takes the same model again and refuses another shape under the same id', async () => {
    const { library } = await temporaryLibrary();
    await registerModel(library, MODEL);
    await expect(registerModel(library, { ...MODEL, dimension: 32 })).rejects.toMatchObject({
      code: 'MODEL_INVALID',
    });
    await expect(registerModel(library, { ...MODEL, timesteps: 3 })).rejects.toMatchObject({
      code: 'MODEL_INVALID',
    });
  });
});
