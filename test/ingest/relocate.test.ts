import { cpSync, mkdirSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { relocate } from '../../index/ingest/relocate.js';
import { openForTest, type SoundFolder, soundFolder, UPLOAD, verify } from '../verify/sound-folder.js';

async function moved(folder: SoundFolder, options: { dryRun?: boolean; to?: string } = {}) {
  const library = await openForTest(folder);
  try {
    return await relocate({
      library,
      from: folder.archive,
      to: options.to ?? `${folder.archive}-moved`,
      dryRun: options.dryRun === true,
    });
  } finally {
    await library.close();
  }
}

describe('relocate', () => {
  it('notes a whole archive in its new place, without reading it', async () => {
    const folder = await soundFolder();
    renameSync(folder.archive, `${folder.archive}-moved`);
    expect(await moved(folder, { dryRun: true })).toEqual({
      moved: 5,
      compared: 0,
      missing: [],
      different: [],
    });
    expect((await verify(folder)).problems).toHaveLength(5);
    expect(await moved(folder)).toEqual({ moved: 5, compared: 0, missing: [], different: [] });
    expect(await verify(folder, { deep: true })).toMatchObject({ status: 'sound' });
    // There is nothing at the old place any more.
    await expect(moved(folder)).rejects.toMatchObject({ code: 'USAGE' });
    expect(await moved(folder, { to: folder.archive }).catch((error) => error)).toMatchObject({
      code: 'FILE_NOT_FOUND',
    });
    rmSync(`${folder.archive}-moved`, { recursive: true });
  });

  it('compares what was copied with other times, and leaves what is not there or not the same', async () => {
    const folder = await soundFolder();
    const to = join(folder.archive, '..', `${Date.now()}-copied`);
    cpSync(folder.archive, to, { recursive: true });
    utimesSync(join(to, '1.mp4'), 1, 1);
    writeFileSync(join(to, '2.mp4'), 'the bytes of VIDEO 2');
    truncateSync(join(to, '3.mp4'), 2);
    rmSync(join(to, '4.mp4'));
    mkdirSync(join(to, '4.mp4'));
    rmSync(join(to, '5.mp4'));
    const told = await moved(folder, { to });
    expect(told).toMatchObject({ moved: 1, missing: [join(to, '5.mp4')] });
    expect(told.different.sort()).toEqual(['2.mp4', '3.mp4', '4.mp4'].map((name) => join(to, name)));
    const library = await openForTest(folder, 'read');
    expect((await library.filesOf(1)).map(({ path }) => path)).toEqual([join(to, '1.mp4')]);
    expect((await library.filesOf(2)).map(({ path }) => path)).toEqual([folder.fileOf(2)]);
    expect((await library.filesOf(UPLOAD)).map(({ path }) => path)).toEqual([folder.fileOf(UPLOAD)]);
    expect((await library.listVideos({ q: '1.mp4', limit: 10 })).videos.map(({ id }) => id)).toEqual([1]);
    rmSync(to, { recursive: true });
  });

  it('moves one file, and takes no place from another video', async () => {
    const folder = await soundFolder();
    const library = await openForTest(folder);
    const [from, to] = [folder.fileOf(1), join(folder.archive, 'renamed.mp4')];
    renameSync(from, to);
    expect(await relocate({ library, from, to, dryRun: false })).toMatchObject({ moved: 1 });
    const [one, two] = [await library.filesOf(1), await library.filesOf(2)];
    expect(one.map(({ path }) => path)).toEqual([to]);
    const file = two[0] as (typeof two)[0];
    expect(await library.moveFiles([{ file, path: to, modifiedMs: 1 }])).toBe(0);
    expect(await library.filesOf(1)).toEqual(one);
    expect(await library.filesOf(2)).toEqual(two);
    await expect(
      relocate({ library, from: `${folder.archive}/nothing`, to: folder.archive, dryRun: false }),
    ).rejects.toMatchObject({ code: 'USAGE' });
  });
});
