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

const NOTHING = { moved: 0, compared: 0, missing: [], different: [], taken: [] };

/** What is done, after it was asked what would be done: the same. */
async function agreed(folder: SoundFolder, from: string, to: string) {
  const library = await openForTest(folder);
  try {
    const would = await relocate({ library, from, to, dryRun: true });
    const done = await relocate({ library, from, to, dryRun: false });
    expect(would).toEqual(done);
    return done;
  } finally {
    await library.close();
  }
}

function exchange(one: string, other: string): void {
  renameSync(one, `${one}-meanwhile`);
  renameSync(other, one);
  renameSync(`${one}-meanwhile`, other);
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
      taken: [],
    });
    expect((await verify(folder)).problems).toHaveLength(5);
    expect(await moved(folder)).toEqual({ moved: 5, compared: 0, missing: [], different: [], taken: [] });
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
    const stolen = { file, path: to, modifiedMs: 1 };
    expect(await library.moveFiles([stolen])).toEqual({ moved: 0, taken: [stolen] });
    expect(await library.filesOf(1)).toEqual(one);
    expect(await library.filesOf(2)).toEqual(two);
    await expect(
      relocate({ library, from: `${folder.archive}/nothing`, to: folder.archive, dryRun: false }),
    ).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('notes both of two files that have changed places, and of two folders', async () => {
    const folder = await soundFolder();
    const at = (name: string) => join(folder.archive, name);
    exchange(at('1.mp4'), at('2.mp4'));
    // One time for both, as some tools leave it: content decides.
    for (const name of ['1.mp4', '2.mp4']) utimesSync(at(name), 5, 5);
    expect(await agreed(folder, at('1.mp4'), at('2.mp4'))).toEqual({ ...NOTHING, moved: 2, compared: 2 });
    expect((await verify(folder, { deep: true })).problems).toEqual([]);
    // Once more they are where the library has them: nothing is to be noted.
    expect(await agreed(folder, at('1.mp4'), at('2.mp4'))).toEqual({
      ...{ ...NOTHING, compared: 1, different: [at('2.mp4')] },
    });

    for (const [name, to] of [
      ['3.mp4', 'a'],
      ['4.mp4', 'b'],
    ] as const) {
      mkdirSync(at(to));
      renameSync(at(name), at(`${to}/x.mp4`));
      expect(await agreed(folder, at(name), at(`${to}/x.mp4`))).toMatchObject({ moved: 1 });
    }
    exchange(at('a'), at('b'));
    expect(await agreed(folder, at('a'), at('b'))).toEqual({ ...NOTHING, moved: 2, compared: 2 });
    expect(await verify(folder, { deep: true })).toMatchObject({ status: 'sound' });
  });

  it('names what it does not note because another video lies there, also when that is only looked at', async () => {
    const folder = await soundFolder();
    const at = (name: string) => join(folder.archive, name);
    // 1 was moved over 2, which is gone, and 3 over 1.
    rmSync(at('2.mp4'));
    renameSync(at('1.mp4'), at('2.mp4'));
    renameSync(at('3.mp4'), at('1.mp4'));
    expect(await agreed(folder, at('1.mp4'), at('2.mp4'))).toEqual({
      ...{ ...NOTHING, compared: 2, taken: [at('2.mp4')] },
    });
    // 3 takes the place of 1 as soon as 1 can leave it, not before.
    expect(await agreed(folder, at('3.mp4'), at('1.mp4'))).toMatchObject({ moved: 0, taken: [at('1.mp4')] });
    const library = await openForTest(folder);
    const [one] = await library.filesOf(1);
    await library.removeVideo(2);
    await library.close();
    expect(one?.path).toBe(at('1.mp4'));
    expect(await agreed(folder, at('1.mp4'), at('2.mp4'))).toMatchObject({ moved: 1, taken: [] });
    expect(await agreed(folder, at('3.mp4'), at('1.mp4'))).toMatchObject({ moved: 1, taken: [] });
    expect(await verify(folder, { deep: true })).toMatchObject({ status: 'sound' });
  });

  it('moves a chain of files into one another, of which each has the place of the next', async () => {
    const folder = await soundFolder();
    const library = await openForTest(folder);
    const deep = (levels: number) => join(folder.archive, ...Array(levels).fill('d'), 'x.mp4');
    for (const [level, name] of [1, 2, 3].entries()) {
      mkdirSync(join(deep(level), '..'), { recursive: true });
      renameSync(folder.fileOf(name), deep(level));
      expect(
        await relocate({ library, from: folder.fileOf(name), to: deep(level), dryRun: false }),
      ).toMatchObject({ moved: 1 });
    }
    for (const level of [2, 1, 0]) {
      mkdirSync(join(deep(level + 1), '..'), { recursive: true });
      renameSync(deep(level), deep(level + 1));
    }
    for (const name of [4, 5]) renameSync(folder.fileOf(name), join(folder.archive, 'd', `${name}.mp4`));
    await library.close();
    expect(await agreed(folder, folder.archive, join(folder.archive, 'd'))).toMatchObject({
      moved: 5,
      missing: [],
      taken: [],
    });
    expect(await verify(folder, { deep: true })).toMatchObject({ status: 'sound' });
  });
});
