import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dataFolderAt, openDataFolder } from '../../index/library/data-folder.js';
import { openLibrary } from '../../index/library/sqlite-library.js';
import type { DataFolder } from '../../index/types.js';
import {
  MODEL,
  putVideo,
  registerModel,
  segmentBatch,
  temporaryDataFolder,
  temporaryFolder,
  temporaryLibrary,
} from './fixtures.js';

function mountSmallDisk(folder: string, sizeBytes: number): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', folder], { stdio: 'pipe' });
  } catch {
    return false;
  }
  onTestFinished(() => {
    execFileSync('umount', ['-l', folder]);
  });
  return true;
}

async function closedLibrary(): Promise<DataFolder> {
  const { library, dataFolder } = await temporaryLibrary();
  for (let name = 1; name <= 20; name += 1) await putVideo(library, name);
  await library.close();
  return dataFolder;
}

describe('opening a library', () => {
  it('refuses to read where there is none, and creates nothing', async () => {
    const dataFolder = await temporaryDataFolder();
    await expect(openLibrary({ dataFolder, mode: 'read' })).rejects.toMatchObject({
      code: 'LIBRARY_NOT_FOUND',
    });
    expect(() => statSync(dataFolder.databaseFile)).toThrow(/ENOENT/);
  });

  it('refuses to read what a writer has only begun to make', async () => {
    const dataFolder = await temporaryDataFolder();
    writeFileSync(dataFolder.databaseFile, '');
    await expect(openLibrary({ dataFolder, mode: 'read' })).rejects.toMatchObject({
      code: 'LIBRARY_NOT_FOUND',
    });
  });

  it.each([
    ['text', (file: string) => writeFileSync(file, 'no database at all '.repeat(100))],
    ['a cut header', (file: string) => truncateSync(file, 50)],
    ['a cut body', (file: string) => truncateSync(file, 40_000)],
    [
      "another program's database",
      (file: string) => {
        writeFileSync(file, '');
        new Database(file).exec('CREATE TABLE theirs (x)').close();
      },
    ],
  ])('refuses %s as damaged and leaves it as it is', async (_, spoil) => {
    const dataFolder = await closedLibrary();
    spoil(dataFolder.databaseFile);
    const before = readFileSync(dataFolder.databaseFile);
    const opening = openLibrary({ dataFolder, mode: 'write' });
    await expect(opening).rejects.toMatchObject({
      code: 'LIBRARY_DAMAGED',
      message: expect.stringContaining(dataFolder.databaseFile),
    });
    expect(readFileSync(dataFolder.databaseFile).equals(before)).toBe(true);
  });

  it('has its check find pages that were overwritten', async () => {
    const dataFolder = await closedLibrary();
    const bytes = readFileSync(dataFolder.databaseFile);
    bytes.fill(0xa5, bytes.length - 3 * 16384, bytes.length - 16384);
    writeFileSync(dataFolder.databaseFile, bytes);
    const library = await openLibrary({ dataFolder, mode: 'read' });
    const findings = await library.check().catch((error) => [error.code]);
    expect(findings.length).toBeGreaterThan(0);
    await library.close();
  });

  it('tells the version of SQLite', async () => {
    const { library } = await temporaryLibrary();
    expect(library.sqliteVersion()).toMatch(/^3\.\d+\.\d+$/);
  });
});

describe('a full disk', () => {
  it('is told as such, and what was written before is whole', async ({ skip }) => {
    const root = temporaryFolder();
    if (!mountSmallDisk(root, 6 * 1024 * 1024)) skip('mounting a small disk needs root');
    const dataFolder = await openDataFolder(join(root, 'data'), { create: true });
    const library = await openLibrary({ dataFolder, mode: 'write' });
    await registerModel(library, MODEL);
    let finished = 0;
    const fill = async () => {
      for (;;) {
        await putVideo(library, finished, { segments: segmentBatch(500, finished) });
        finished += 1;
      }
    };
    await expect(fill()).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(finished).toBeGreaterThan(2);
    expect((await library.listVideos({ limit: 1 })).totalCount).toBe(finished);
    expect(await library.countSegments(MODEL.id)).toBe(500 * finished);
    expect(await library.check(true)).toEqual([]);
    await library.close();
  });
});

describe('openDataFolder', () => {
  it('creates what is missing and finds it again', async () => {
    const root = join(temporaryFolder(), 'deep', 'data folder');
    const folder = await openDataFolder(root, { create: true });
    expect(folder).toEqual(dataFolderAt(root));
    for (const path of [
      folder.vectorsFolder,
      folder.mediaFolder,
      folder.thumbnailsFolder,
      folder.temporaryFolder,
    ]) {
      expect(statSync(path).isDirectory()).toBe(true);
    }
    expect(await openDataFolder(root, { create: false })).toEqual(folder);
  });

  it('says what is in the way', async () => {
    const root = temporaryFolder();
    const file = join(root, 'file');
    writeFileSync(file, '');
    for (const [path, create] of [
      [file, true],
      [file, false],
      [join(file, 'below'), true],
    ] as const) {
      await expect(openDataFolder(path, { create })).rejects.toMatchObject({
        code: 'DATA_FOLDER_NOT_WRITABLE',
        message: expect.stringContaining(path),
      });
    }
    await expect(openDataFolder(join(root, 'none'), { create: false })).rejects.toMatchObject({
      code: 'LIBRARY_NOT_FOUND',
    });
    await expect(openDataFolder('', { create: true })).rejects.toMatchObject({ code: 'USAGE' });
  });
});
