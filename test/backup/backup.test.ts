import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodeHead, encodeTail, parseHead } from '../../index/backup/format.js';
import { checkBackup, restoreBackup } from '../../index/backup/restore.js';
import { writeBackup } from '../../index/backup/write-backup.js';
import { dataFolderAt, openDataFolder } from '../../index/library/data-folder.js';
import { openLibrary } from '../../index/library/sqlite-library.js';
import type { DataFolder } from '../../index/types.js';
import { verifyDataFolder } from '../../index/verify/verify.js';
import { kill, startChild } from '../library/children/start.js';
import { temporaryFolder } from '../library/fixtures.js';
import { MODEL } from '../library/library-inputs.js';
import { randomNumbers } from '../vectors/vectors.js';
import {
  openForTest,
  type SoundFolder,
  soundFolder,
  tamper,
  UPLOAD,
  VIDEO_COUNT,
} from '../verify/sound-folder.js';
import { contentOf } from './folder-content.js';

/** As the product names uploads: others it never deletes. */
const NEWER_UPLOAD = '1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed';

async function backedUp(folder?: SoundFolder) {
  const source = folder ?? (await soundFolder());
  const file = join(temporaryFolder(), 'backup.tar');
  const summary = await writeBackup({ dataFolder: source.dataFolder, file, programVersion: '1.2.3' });
  return { source, file, summary };
}

function restore(file: string, dataFolder: DataFolder, options: { replace?: boolean } = {}) {
  return restoreBackup({ file, dataFolder, replace: false, ...options });
}

/** A mount where that is allowed; root writes into any folder. */
function readOnlyFolder(): string {
  const folder = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', folder], { stdio: 'pipe' });
    onTestFinished(() => void execFileSync('umount', ['-l', folder]));
  } catch {
    chmodSync(folder, 0o555);
    onTestFinished(() => chmodSync(folder, 0o755));
  }
  return folder;
}

function newPlace(): DataFolder {
  return dataFolderAt(join(temporaryFolder(), 'restored'));
}

async function expectSound(dataFolder: DataFolder, videos = VIDEO_COUNT): Promise<void> {
  const report = await verifyDataFolder({ dataFolder, modelId: MODEL.id, deep: true, repair: false });
  expect(report).toMatchObject({ status: 'sound', problems: [], checked: { videos, snapshots: 1 } });
}

describe('a backup', () => {
  it('restores everything: library, uploads, pictures and vector index', async () => {
    const { source, file, summary } = await backedUp();
    expect(summary).toMatchObject({
      videos: VIDEO_COUNT,
      uploads: 1,
      thumbnails: 1,
      snapshots: 1,
      lostUploads: [],
    });
    expect(readdirSync(join(file, '..'))).toEqual(['backup.tar']);
    expect(await checkBackup(file)).toMatchObject({ head: { programVersion: '1.2.3' } });
    const target = newPlace();
    const restored = await restore(file, target);
    expect(restored).toMatchObject({ videos: VIDEO_COUNT, segments: summary.segments });
    const [before, after] = [contentOf(source.dataFolder.root), contentOf(target.root)];
    expect(Object.keys(after)).toEqual(Object.keys(before));
    for (const name of Object.keys(before))
      if (name !== 'library.sqlite') expect(after[name]).toBe(before[name]);
    await expectSound(target);
    const upload = (await (await openForTest({ ...source, dataFolder: target })).ownedFiles())[0];
    expect(upload?.path).toBe(join(target.mediaFolder, 'a1b2c3'));
  });

  it('is a tar file that any program lists', async () => {
    const { file } = await backedUp();
    const names = execFileSync('tar', ['-tf', file], { encoding: 'utf8' }).trim().split('\n');
    expect(names).toEqual([
      'cliptrace-backup.json',
      'media/a1b2c3',
      expect.stringMatching(/^thumbnails\/1-/),
      expect.stringMatching(/^vectors\/.*\.hnsw$/),
      expect.stringMatching(/^vectors\/.*\.json$/),
      'library.sqlite',
      'cliptrace-backup.sha256.json',
    ]);
  });

  it('replaces an older backup, and no other file', async () => {
    const { source, file } = await backedUp();
    const { dataFolder } = source;
    await writeBackup({ dataFolder, file, programVersion: '1.2.4' });
    expect(await checkBackup(file)).toMatchObject({ head: { programVersion: '1.2.4' } });
    const other = join(temporaryFolder(), 'holiday.mp4');
    writeFileSync(other, 'precious');
    const linked = join(temporaryFolder(), 'link');
    symlinkSync(dataFolder.mediaFolder, linked);
    for (const refused of [
      other,
      temporaryFolder(),
      join(dataFolder.root, 'b.tar'),
      join(dataFolder.mediaFolder, 'b'),
      join(linked, 'b.tar'),
    ]) {
      await expect(writeBackup({ dataFolder, file: refused, programVersion: '1' })).rejects.toMatchObject({
        code: 'USAGE',
      });
    }
    expect(readFileSync(other, 'utf8')).toBe('precious');
    const nowhere = join(temporaryFolder(), 'no', 'such', 'b.tar');
    await expect(writeBackup({ dataFolder, file: nowhere, programVersion: '1' })).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
    });
  });

  it('of a damaged or missing library is refused', async () => {
    const source = await soundFolder();
    const { dataFolder } = source;
    tamper(source, () => undefined);
    const bytes = readFileSync(dataFolder.databaseFile);
    bytes.fill(0xff, 16384 * 9, 16384 * 9 + 64);
    writeFileSync(dataFolder.databaseFile, bytes);
    const file = join(temporaryFolder(), 'b.tar');
    await expect(writeBackup({ dataFolder, file, programVersion: '1' })).rejects.toMatchObject({
      code: 'LIBRARY_DAMAGED',
    });
    rmSync(dataFolder.databaseFile);
    await expect(writeBackup({ dataFolder, file, programVersion: '1' })).rejects.toMatchObject({
      code: 'LIBRARY_NOT_FOUND',
    });
    expect(readdirSync(join(file, '..'))).toEqual([]);
  });

  it('on a full disk is refused and leaves nothing', async ({ skip }) => {
    const source = await soundFolder();
    const disk = temporaryFolder();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', disk], { stdio: 'pipe' });
    } catch {
      skip('mounting a small disk needs root');
    }
    onTestFinished(() => void execFileSync('umount', ['-l', disk]));
    const { dataFolder } = source;
    await expect(
      writeBackup({ dataFolder, file: join(disk, 'b.tar'), programVersion: '1' }),
    ).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(readdirSync(disk)).toEqual([]);
    const { file } = await backedUp(source);
    const target = dataFolderAt(join(disk, 'data'));
    await expect(restore(file, target)).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(readdirSync(disk)).toEqual([]);
  });

  it('is of one moment while another process writes', async () => {
    const source = await soundFolder();
    const { dataFolder } = source;
    const writer = startChild('write-videos', [dataFolder.root, '1000']);
    await new Promise<void>((resolve) => writer.once('message', () => resolve()));
    for (let round = 0; round < 3; round += 1) {
      const { file, summary } = await backedUp(source);
      const target = newPlace();
      await restore(file, target);
      const library = await openLibrary({ dataFolder: target, mode: 'write' });
      expect((await library.listVideos({ limit: 1 })).totalCount).toBe(summary.videos);
      expect(await library.countSegments(MODEL.id)).toBe(summary.segments);
      await library.close();
      const { problems } = await verifyDataFolder({
        dataFolder: target,
        modelId: MODEL.id,
        deep: false,
        repair: false,
      });
      // The writer's videos have no files.
      expect(problems.filter(({ code }) => code !== 'FILE_MISSING')).toEqual([]);
    }
    await kill(writer);
  });

  it('leaves out an upload that is removed while it runs, and keeps one whose file is lost', async () => {
    const source = await soundFolder();
    const { dataFolder } = source;
    const library = await openForTest(source);
    let removed = false;
    const gone = await writeBackup({
      dataFolder,
      file: join(temporaryFolder(), 'b.tar'),
      programVersion: '1',
      onStep: (step) => {
        if (!step.startsWith('Copying uploads')) return;
        removed = true;
        void library.removeVideo(UPLOAD);
        rmSync(source.fileOf(UPLOAD));
      },
    });
    expect(removed).toBe(true);
    expect(gone).toMatchObject({
      videos: VIDEO_COUNT - 1,
      uploads: 0,
      removedMeanwhile: [UPLOAD],
      lostUploads: [],
    });
    const target = newPlace();
    await restore(gone.file, target);
    await expectSound(target, VIDEO_COUNT - 1);

    const other = await soundFolder();
    rmSync(other.fileOf(UPLOAD));
    const { summary } = await backedUp(other);
    expect(summary).toMatchObject({
      videos: VIDEO_COUNT,
      removedMeanwhile: [],
      lostUploads: [other.fileOf(UPLOAD)],
    });
  });

  it('that is interrupted leaves nothing, and the older one as it was', async () => {
    const { source, file } = await backedUp();
    const before = readFileSync(file);
    const controller = new AbortController();
    const interrupted = writeBackup({
      dataFolder: source.dataFolder,
      file,
      programVersion: '2',
      signal: controller.signal,
      onStep: (step) => step.startsWith('Copying uploads') && controller.abort(),
    });
    await expect(interrupted).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(readdirSync(join(file, '..'))).toEqual(['backup.tar']);
    expect(readFileSync(file).equals(before)).toBe(true);
  });
});

describe('restore', () => {
  it('refuses a backup with any bit flipped or cut anywhere, and leaves the folder as it was', async () => {
    const { file } = await backedUp();
    const whole = readFileSync(file);
    const random = randomNumbers(11);
    const target = newPlace();
    const spoilt = join(temporaryFolder(), 'spoilt.tar');
    const refused = { code: expect.stringMatching(/^BACKUP_(DAMAGED|NOT_RECOGNISED)$/) };
    for (let step = 0; step < 150; step += 1) {
      const end = step % 3 === 0 ? 3000 : whole.length;
      const offset =
        step % 3 === 1 ? whole.length - 1 - Math.floor(random() * 2048) : Math.floor(random() * end);
      const bytes = Buffer.from(whole);
      bytes.writeUInt8(bytes.readUInt8(offset) ^ (1 << (step % 8)), offset);
      writeFileSync(spoilt, bytes);
      await expect(checkBackup(spoilt), `offset ${offset}`).rejects.toMatchObject(refused);
      if (step % 10 === 0) await expect(restore(spoilt, target)).rejects.toMatchObject(refused);
    }
    for (let step = 0; step < 40; step += 1) {
      writeFileSync(spoilt, whole.subarray(0, step < 4 ? step * 512 : Math.floor(random() * whole.length)));
      await expect(restore(spoilt, target)).rejects.toMatchObject(refused);
    }
    writeFileSync(spoilt, Buffer.concat([whole, Buffer.alloc(512)]));
    await expect(restore(spoilt, target)).rejects.toMatchObject(refused);
    expect(existsSync(target.root)).toBe(false);
  });

  it('refuses what is no backup, and what a newer version wrote', async () => {
    const { file } = await backedUp();
    const target = newPlace();
    const other = join(temporaryFolder(), 'other');
    for (const content of ['', 'text', Buffer.alloc(1 << 16)]) {
      writeFileSync(other, content);
      await expect(restore(other, target)).rejects.toMatchObject({ code: 'BACKUP_NOT_RECOGNISED' });
    }
    await expect(restore(join(other, 'none'), target)).rejects.toMatchObject({ code: 'FILE_NOT_READABLE' });
    await expect(restore(`${other}.none`, target)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await expect(restore(temporaryFolder(), target)).rejects.toMatchObject({ code: 'FILE_NOT_READABLE' });
    const whole = readFileSync(file);
    const head = parseHead(whole);
    if (head === null) throw new Error('no head');
    writeFileSync(other, Buffer.concat([encodeHead({ ...head, formatVersion: 2 }), whole.subarray(1024)]));
    await expect(restore(other, target)).rejects.toMatchObject({ code: 'BACKUP_TOO_NEW' });
    // Whole in itself, with a name that leads out of the folder.
    const evil = Buffer.concat([encodeHead(head), Buffer.from(whole.subarray(1024, 1536))]);
    evil.write('../../media', 1024);
    const sha256 = createHash('sha256').update(evil).digest('hex');
    writeFileSync(other, Buffer.concat([evil, encodeTail({ sha256, byteLength: evil.length })]));
    await expect(restore(other, target)).rejects.toMatchObject({ code: 'BACKUP_DAMAGED' });
    expect(existsSync(target.root)).toBe(false);
  });

  it('refuses a library of a newer version', async () => {
    const source = await soundFolder();
    const { file } = await backedUp(source);
    const unpacked = temporaryFolder();
    execFileSync('tar', ['-xf', file, '-C', unpacked]);
    tamper({ ...source, dataFolder: dataFolderAt(unpacked) }, (database) =>
      database.exec("INSERT INTO schema_migrations VALUES (9999, '9999_future.sql', 'x', '')"),
    );
    const tooNew = { ...source, dataFolder: dataFolderAt(unpacked) };
    await expect(
      writeBackup({ dataFolder: tooNew.dataFolder, file: join(temporaryFolder(), 'b'), programVersion: '1' }),
    ).rejects.toMatchObject({ code: 'LIBRARY_TOO_NEW' });
  });

  it('refuses a folder that is not empty, unless told to replace the library in it', async () => {
    const { source, file } = await backedUp();
    const full = await soundFolder();
    const library = await openForTest(full);
    await library.removeVideo(1);
    await library.close();
    await expect(restore(file, full.dataFolder)).rejects.toMatchObject({ code: 'DATA_FOLDER_NOT_EMPTY' });
    writeFileSync(join(full.dataFolder.mediaFolder, NEWER_UPLOAD), 'x');
    writeFileSync(join(full.dataFolder.root, 'notes of the owner'), 'x');
    const others = ['media/holiday.mp4', 'media/summer/1.mp4', 'thumbnails/cover.jpg', 'vectors/logo.svg'];
    mkdirSync(join(full.dataFolder.mediaFolder, 'summer'));
    for (const name of others) writeFileSync(join(full.dataFolder.root, name), 'x');
    await restore(file, full.dataFolder, { replace: true });
    await expectSound(full.dataFolder);
    for (const name of ['notes of the owner', ...others]) {
      expect(existsSync(join(full.dataFolder.root, name)), name).toBe(true);
    }
    expect(existsSync(join(full.dataFolder.mediaFolder, NEWER_UPLOAD))).toBe(false);

    const home = dataFolderAt(temporaryFolder());
    mkdirSync(home.mediaFolder);
    writeFileSync(join(home.mediaFolder, 'precious'), 'x');
    for (const replace of [false, true]) {
      await expect(restore(file, home, { replace })).rejects.toMatchObject({ code: 'DATA_FOLDER_NOT_EMPTY' });
    }
    expect(readdirSync(home.root)).toEqual(['media']);
    const held = await openForTest(source);
    await expect(restore(file, source.dataFolder, { replace: true })).rejects.toMatchObject({
      code: 'DATA_FOLDER_IN_USE',
    });
    await held.close();
  });

  it.runIf(process.platform !== 'win32')('waits for no pipe, and a backup writes over none', async () => {
    const { file, source } = await backedUp();
    const pipe = join(temporaryFolder(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(restore(pipe, newPlace())).rejects.toMatchObject({ code: 'FILE_NOT_READABLE' });
    await expect(checkBackup(pipe)).rejects.toMatchObject({ code: 'FILE_NOT_READABLE' });
    const { dataFolder } = source;
    await expect(writeBackup({ dataFolder, file: pipe, programVersion: '1.2.3' })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(pipe),
    });
    await checkBackup(file);
  });

  it('names the place that cannot be written', async () => {
    const { file, source } = await backedUp();
    const { dataFolder } = source;
    const disk = readOnlyFolder();
    const to = join(disk, 'backup.tar');
    await expect(writeBackup({ dataFolder, file: to, programVersion: '1.2.3' })).rejects.toMatchObject({
      code: 'FILE_NOT_READABLE',
      message: expect.stringContaining(to),
    });
    const target = dataFolderAt(join(disk, 'data'));
    await expect(restore(file, target)).rejects.toMatchObject({
      code: 'DATA_FOLDER_NOT_WRITABLE',
      message: expect.stringContaining(target.root),
    });
  });

  it('into an empty folder or one made ready by mkdir works, also through a link', async () => {
    const { file } = await backedUp();
    const real = temporaryFolder();
    const link = join(temporaryFolder(), 'link');
    symlinkSync(real, link);
    await restore(file, dataFolderAt(link));
    await expectSound(dataFolderAt(link));
    const made = await openDataFolder(join(temporaryFolder(), 'made'), { create: true });
    await restore(file, made);
    await expectSound(made);
  });

  it('that was killed on the way is carried to its end by whoever comes next, from any step', async () => {
    const { file } = await backedUp();
    const reference = newPlace();
    await restore(file, reference);
    const names = Object.keys(contentOf(reference.root));
    for (let moved = 0; moved <= names.length; moved += 1) {
      // As a kill leaves it: some files have taken their place, over what was there.
      const full = await openDataFolder(join(temporaryFolder(), 'data'), { create: true });
      writeFileSync(join(full.mediaFolder, NEWER_UPLOAD), 'x');
      writeFileSync(full.databaseFile, 'an older library');
      writeFileSync(`${full.databaseFile}-wal`, 'and its log');
      const waiting = join(full.root, 'restore.complete');
      cpSync(reference.root, waiting, { recursive: true });
      rmSync(join(waiting, 'writer.lock'), { force: true });
      writeFileSync(join(waiting, 'restored-files.json'), JSON.stringify(names));
      const order = names.filter((name) => name !== 'library.sqlite').concat('library.sqlite');
      if (moved === names.length) rmSync(`${full.databaseFile}-wal`);
      for (const name of order.slice(0, moved)) renameSync(join(waiting, name), join(full.root, name));
      await openDataFolder(full.root, { create: false });
      expect(contentOf(full.root)).toEqual(contentOf(reference.root));
      expect(existsSync(`${full.databaseFile}-wal`)).toBe(false);
    }
  });

  it('that was killed before it was certain leaves the old library', async () => {
    const full = await soundFolder();
    const before = contentOf(full.dataFolder.root);
    const half = join(full.dataFolder.temporaryFolder, 'cliptrace-restore');
    mkdirSync(half);
    writeFileSync(join(half, 'library.sqlite'), 'half');
    await openDataFolder(full.dataFolder.root, { create: false });
    rmSync(half, { recursive: true });
    expect(contentOf(full.dataFolder.root)).toEqual(before);
    const { file } = await backedUp(full);
    mkdirSync(half);
    writeFileSync(join(half, 'library.sqlite'), 'half');
    truncateSync(join(half, 'library.sqlite'), 2);
    await restore(file, full.dataFolder, { replace: true });
    await expectSound(full.dataFolder);
  });
});
