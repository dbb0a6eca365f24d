import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../../index/library/database.js';
import { openLibrary, type SqliteLibrary } from '../../index/library/sqlite-library.js';
import type { VideoFile } from '../../index/library/types.js';
import { putVideo, temporaryLibrary } from './fixtures.js';

const ODD_PATHS = [
  '/archive/with space.mp4',
  '/archive/-dash.mp4',
  '/archive/line\nbreak.mp4',
  `/archive/quote'"\`.mp4`,
  '/archive/100%_[x]*?.mp4',
  '/archive/пример/видео.mp4',
  '/archive/例え/動画.mp4',
  '/archive/emoji 🎬.mp4',
  '/archive/back\\slash.mp4',
  '/archive/not\ufffdutf8.mp4',
  '/archive/0',
];

function fileAt(path: string, videoId: number, change: Partial<VideoFile> = {}): VideoFile {
  return { path, videoId, collection: 'default', sizeBytes: 1, modifiedMs: 0.25, owned: false, ...change };
}

describe('files', () => {
  it.each(ODD_PATHS)('keep the path %j as it is', async (path) => {
    const { library } = await temporaryLibrary();
    const video = await putVideo(library, 1, { path });
    expect(await library.findFile('default', path)).toMatchObject({ path, videoId: video.id });
    expect((await library.filesBelow('default', '/archive')).map((file) => file.path)).toEqual([path]);
    const [file] = await library.filesOf(video.id);
    expect(await library.removePlace(file as VideoFile)).toBe(true);
    expect(await library.findFile('default', path)).toBeNull();
    expect(await library.getVideo(video.id)).toEqual(video);
  });

  it('below a folder are those in it and no neighbours', async () => {
    const { library } = await temporaryLibrary();
    const video = await putVideo(library, 1, { path: '/a/b/1.mp4' });
    const inside = ['/a/b', '/a/b/c/2.mp4', '/a/b/\u{10ffff}.mp4', '/a/b/ .mp4'];
    const outside = ['/a/b.mp4', '/a/b0', '/a/b /1.mp4', '/a/B/1.mp4', '/a', '/z/a/b/1.mp4'];
    for (const path of [...inside, ...outside]) await library.putFile(fileAt(path, video.id));
    const expected = ['/a/b/1.mp4', ...inside].sort();
    for (const root of ['/a/b', '/a/b/']) {
      const found = (await library.filesBelow('default', root)).map((file) => file.path).sort();
      expect(found).toEqual(root.endsWith('/') ? expected.filter((path) => path !== '/a/b') : expected);
    }
    expect(await library.filesBelow('default', '/')).toHaveLength(expected.length + outside.length);
    expect(await library.filesBelow('other', '/')).toEqual([]);
  });

  it('of the data folder are found below it, in it and above it, in whatever form they stand there, in order and once', async () => {
    const { library, dataFolder } = await temporaryLibrary();
    const { root } = dataFolder;
    const video = await putVideo(library, 1, { path: join(root, 'media', 'own'), owned: true });
    const inside = ['videos', 'videos/1.mp4', 'videos/b/2.mp4', 'videos 2/3.mp4'].map((one) =>
      join(root, one),
    );
    const beside = [`${root} 2/4.mp4`, join(root, '..', 'aaa.mp4'), '/zzz.mp4', '/Archive/5.mp4'];
    for (const path of [...inside, ...beside]) await library.putFile(fileAt(path, video.id));
    const twin = await putVideo(library, 2, { path: '/twin.mp4' });
    // An earlier version may have left the absolute form beside the other, or alone.
    const database = openDatabase(dataFolder.databaseFile, { readonly: false });
    const absolute = database.prepare(
      `INSERT INTO files (collection_id, path, video_id, name_folded, size_bytes, modified_ms, owned)
       VALUES (1, ?, ?, 'x', 7, 7, 0)`,
    );
    const alone = join(root, 'videos', 'a.mp4');
    for (const path of [alone, join(root, 'videos/1.mp4')]) absolute.run(path, twin.id);
    const all = [...inside, alone, join(root, 'media', 'own'), '/twin.mp4', ...beside].sort();
    const under = (folder: string) => all.filter((path) => path === folder || path.startsWith(`${folder}/`));

    const check = async (of: SqliteLibrary) => {
      const below = async (folder: string) =>
        (await of.filesBelow('default', folder)).map(({ path }) => path);
      for (const folder of [root, join(root, 'videos'), join(root, 'videos/b'), alone, join(root, '..')]) {
        expect(await below(folder), folder).toEqual(under(folder));
      }
      expect(await below('/')).toEqual(all);
      expect(await below(join(root, 'videos/'))).toEqual(under(join(root, 'videos')).slice(1));
      expect(await of.findFile('default', inside[1] as string)).toMatchObject({
        videoId: video.id,
        sizeBytes: 1,
      });
      expect(await of.findFile('default', alone)).toMatchObject({ videoId: twin.id, sizeBytes: 7 });
      for (const [pathPrefix, count] of [
        [`${root}/videos/`, 2],
        [`${root}/vid`, 2],
        [`${root}/videos 2`, 1],
        ['/', 2],
        ['videos', 0],
      ] as const) {
        expect(await of.countVideos({ pathPrefix }, 9), pathPrefix).toBe(count);
      }
    };
    await check(library);
    await library.close();
    const reader = await openLibrary({ dataFolder, mode: 'read' });
    await check(reader);
    await reader.close();
    const writer = await openLibrary({ dataFolder, mode: 'write' });
    onTestFinished(() => writer.close());
    await check(writer);
    // One form is left.
    expect(
      database.prepare('SELECT path FROM files WHERE path > ? AND path < ?').all(`${root}/`, `${root}0`),
    ).toEqual([]);
    absolute.run(alone, twin.id);
    await writer.putFile(fileAt(alone, video.id));
    expect(await writer.filesBelow('default', alone)).toHaveLength(1);
    absolute.run(alone, twin.id);
    expect(await writer.removePlace((await writer.findFile('default', alone)) as VideoFile)).toBe(true);
    expect(await writer.findFile('default', alone)).toBeNull();
    database.close();
  });

  it('move to another video when they are put again, and are one place in each collection', async () => {
    const { library } = await temporaryLibrary();
    const first = await putVideo(library, 1, { path: '/a.mp4' });
    const second = await putVideo(library, 2, { path: '/b.mp4' });
    const elsewhere = await putVideo(library, 1, { path: '/a.mp4', video: { collection: 'other' } });
    await library.putFile(fileAt('/a.mp4', second.id, { sizeBytes: 9, modifiedMs: 12.5 }));
    expect(await library.findFile('default', '/a.mp4')).toMatchObject({
      videoId: second.id,
      sizeBytes: 9,
      modifiedMs: 12.5,
    });
    expect(await library.filesOf(first.id)).toEqual([]);
    expect(await library.findFile('other', '/a.mp4')).toMatchObject({ videoId: elsewhere.id });
  });

  it('are refused for a video that is not in their collection', async () => {
    const { library } = await temporaryLibrary();
    const video = await putVideo(library, 1);
    const wrong = fileAt('/x.mp4', video.id, { collection: 'other' });
    await expect(library.putFile(wrong)).rejects.toMatchObject({ code: 'VIDEO_NOT_FOUND' });
    await expect(library.putFile(fileAt('/x.mp4', 77))).rejects.toMatchObject({ code: 'VIDEO_NOT_FOUND' });
  });

  it('that the data folder owns are told apart', async () => {
    const { library } = await temporaryLibrary();
    await putVideo(library, 1, { path: '/data/media/1.mp4', owned: true });
    await putVideo(library, 2, { path: '/archive/2.mp4' });
    expect((await library.ownedFiles()).map((file) => file.path)).toEqual(['/data/media/1.mp4']);
  });
});
