import { cpSync, mkdirSync, readdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { removeOrphanUploads } from '../../index/ingest/orphan-uploads.js';
import { dataFolderAt } from '../../index/library/data-folder.js';
import { openDatabase } from '../../index/library/database.js';
import { migrate, migrationsFolder, readMigrations } from '../../index/library/migrations.js';
import { openLibrary } from '../../index/library/sqlite-library.js';
import type { DataFolder } from '../../index/types.js';
import { MODEL, putVideo, registerModel, temporaryFolder, temporaryLibrary } from './fixtures.js';

const UPLOAD_REQUEST = { type: 'upload', collection: 'default', title: 'To come', label: null } as const;

/** A data folder with an upload that was indexed, one that is still to come, and a video of the archive. */
/** As the product names uploads: others it never deletes. */
const STORED = '1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed';
const WAITING = '9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d';

async function folderWithUploads(): Promise<DataFolder> {
  const { library, dataFolder } = await temporaryLibrary();
  const [stored, waiting] = [STORED, WAITING].map((name) => join(dataFolder.mediaFolder, name));
  writeFileSync(stored as string, 'x');
  writeFileSync(waiting as string, 'x');
  await putVideo(library, 1, { path: stored as string, owned: true });
  await putVideo(library, 2, { path: '/archive/2.mp4' });
  await library.createJob({ ...UPLOAD_REQUEST, path: waiting as string });
  await library.close();
  return dataFolder;
}

async function expectWhole(dataFolder: DataFolder): Promise<void> {
  const library = await openLibrary({ dataFolder, mode: 'write' });
  try {
    expect(await removeOrphanUploads(dataFolder.mediaFolder, library)).toEqual([]);
    expect(readdirSync(dataFolder.mediaFolder).sort()).toEqual([STORED, WAITING]);
    const stored = join(dataFolder.mediaFolder, STORED);
    expect((await library.ownedFiles()).map(({ path }) => path)).toEqual([stored]);
    expect((await library.filesOf(1)).map(({ path }) => path)).toEqual([stored]);
    expect(await library.findFile('default', stored)).toMatchObject({ videoId: 1 });
    expect((await library.filesOf(2)).map(({ path }) => path)).toEqual(['/archive/2.mp4']);
    const waiting = join(dataFolder.mediaFolder, WAITING);
    expect((await library.pendingJobs()).map(({ request }) => request)).toEqual([
      { ...UPLOAD_REQUEST, path: waiting },
    ]);
  } finally {
    await library.close();
  }
}

describe('a data folder', () => {
  it('keeps the uploads of a library that was moved away from it, and sweeps what the new one left', async () => {
    const dataFolder = await folderWithUploads();
    for (const name of readdirSync(dataFolder.root)) {
      if (name.startsWith('library.sqlite'))
        renameSync(join(dataFolder.root, name), join(temporaryFolder(), name));
    }
    // As old as uploads are: a file system tells times to a few milliseconds.
    for (const name of [STORED, WAITING]) utimesSync(join(dataFolder.mediaFolder, name), 1e9, 1e9);
    const library = await openLibrary({ dataFolder, mode: 'write' });
    const left = join(dataFolder.mediaFolder, '6ec0bd7f-11c0-43da-975e-2a8ad9ebae0b');
    writeFileSync(left, 'x');
    await registerModel(library, MODEL);
    await putVideo(library, 1, { path: '/archive/1.mp4' });
    expect(await removeOrphanUploads(dataFolder.mediaFolder, library)).toEqual([left]);
    expect(readdirSync(dataFolder.mediaFolder).sort()).toEqual([STORED, WAITING]);
    await library.close();
  });

  it('keeps its uploads wherever it is moved to, and however it is called', async () => {
    const dataFolder = await folderWithUploads();
    await expectWhole(dataFolder);
    const moved = dataFolderAt(join(temporaryFolder(), 'elsewhere', 'data'));
    mkdirSync(join(moved.root, '..'), { recursive: true });
    renameSync(dataFolder.root, moved.root);
    await expectWhole(moved);
    const link = join(temporaryFolder(), 'link');
    symlinkSync(moved.root, link);
    await expectWhole(dataFolderAt(link));
    await expectWhole(dataFolderAt(`${moved.root}/../data/`));
  });

  it('of before this was so is brought up to it', async () => {
    const dataFolder = await folderWithUploads();
    const before = temporaryFolder();
    const relative = readMigrations(migrationsFolder()).find(({ name }) =>
      name.endsWith('_relative_paths.sql'),
    );
    const file = join(temporaryFolder(), 'old.sqlite');
    for (const { name, version } of readMigrations(migrationsFolder())) {
      if (version < (relative?.version ?? 0)) cpSync(join(migrationsFolder(), name), join(before, name));
    }
    const old = openDatabase(file, { readonly: false });
    migrate(old, before);
    old.exec(`
      INSERT INTO collections VALUES (1, 'default');
      INSERT INTO videos (id, collection_id, title, title_folded, content_hash, size_bytes, duration_seconds, width, height,
        codec, container, has_audio, damaged, segment_count, added_at, updated_at)
      SELECT value, 1, '', '', value, 1, 1, 1, 1, '', '', 0, 0, 0, '', '' FROM json_each('[1, 2]');
      INSERT INTO files VALUES (1, '${join(dataFolder.mediaFolder, STORED)}', 1, '', 1, 1, 1);
      INSERT INTO files VALUES (1, '/archive/media/2.mp4', 2, '', 1, 1, 0);
      INSERT INTO jobs (request_json, status, progress_json, created_at) VALUES
        ('${JSON.stringify({ ...UPLOAD_REQUEST, path: `C:\\data\\media\\${WAITING}` })}', 'queued', '{}', ''),
        ('{"type":"index","paths":["/a"]}', 'queued', '{}', '')`);
    migrate(old);
    expect(old.prepare('SELECT path FROM files ORDER BY video_id').pluck().all()).toEqual([
      `media/${STORED}`,
      '/archive/media/2.mp4',
    ]);
    const requests = old.prepare('SELECT request_json FROM jobs ORDER BY id').pluck().all() as string[];
    expect(requests.map((json) => JSON.parse(json))).toEqual([
      { ...UPLOAD_REQUEST, path: `media/${WAITING}` },
      { type: 'index', paths: ['/a'] },
    ]);
    old.close();
    expect(basename(relative?.name ?? '')).toContain('relative_paths');
  });
});
