import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SqliteDatabase } from '../../index/library/database.js';
import { openSegmentIndex } from '../../index/vectors/index-follower.js';
import type { ProblemCode } from '../../index/verify/types.js';
import { MODEL } from '../library/library-inputs.js';
import { snapshotFiles } from '../vectors/snapshot-files.js';
import {
  addVideo,
  openForTest,
  SEGMENTS_OF_A_VIDEO,
  type SoundFolder,
  soundFolder,
  tamper,
  UPLOAD,
  VIDEO_COUNT,
  verify,
} from './sound-folder.js';

/** Half, of no video, and of other content. */
const STRAY_THUMBNAILS = [
  '1-0000000000000000-3.jpg.0123456789ab.part',
  '77-0000000000000000-3.jpg',
  '1-0000000000000000-3.jpg',
  '77-0000000000000000.strip',
  '1-0000000000000000.strip',
  '1-0000000000000000.strip.part',
];
const SEGMENTS = VIDEO_COUNT * SEGMENTS_OF_A_VIDEO;

describe('verify', () => {
  it('finds nothing wrong with a sound folder, and counts what it looked at', async () => {
    const folder = await soundFolder();
    const checked = {
      videos: VIDEO_COUNT,
      segments: SEGMENTS,
      files: VIDEO_COUNT,
      hashedFiles: 0,
      snapshots: 1,
    };
    expect(await verify(folder)).toMatchObject({ status: 'sound', problems: [], skipped: [], checked });
    expect(await verify(folder, { deep: true, repair: true })).toMatchObject({
      status: 'sound',
      problems: [],
      remaining: null,
      checked: { ...checked, hashedFiles: VIDEO_COUNT },
    });
  });

  it('finds nothing wrong with vectors whose norm is off within what is allowed', async () => {
    const folder = await soundFolder();
    tamper(folder, (database) => {
      scaleEmbeddings(database, 1, 0.9995);
      scaleEmbeddings(database, 71, 1.0008);
    });
    expect(await verify(folder)).toMatchObject({ status: 'sound', problems: [] });
  });

  it('looks on while another process writes, whose snapshot is behind, and repairs only when it is gone', async () => {
    const folder = await soundFolder();
    const library = await openForTest(folder);
    const { dataFolder } = folder;
    const { index } = await openSegmentIndex({
      library,
      model: MODEL,
      folder: dataFolder.vectorsFolder,
      writable: true,
    });
    await addVideo(library, 50, join(folder.archive, '50.mp4'), false);
    await library.removeVideo(2);
    await index.catchUp();
    writeFileSync(join(dataFolder.temporaryFolder, 'cliptrace-pictures-0123456789abcdef'), 'half');
    const report = await verify(folder);
    expect(report).toMatchObject({ status: 'sound', problems: [] });
    expect(report.skipped).toEqual([expect.stringContaining('another process holds the data folder')]);
    await expect(verify(folder, { repair: true })).rejects.toMatchObject({ code: 'DATA_FOLDER_IN_USE' });
    await index.close();
    await library.close();
    expect(await verify(folder)).toMatchObject({ status: 'repairable', problems: [{ code: 'STRAY_FILE' }] });
  });

  it('says so when there is no library, or one that was not migrated', async () => {
    const folder = await soundFolder();
    tamper(folder, (database) => database.exec('DELETE FROM schema_migrations WHERE version > 0'));
    await expect(verify(folder)).rejects.toMatchObject({ code: 'LIBRARY_NOT_FOUND' });
    rmSync(folder.dataFolder.databaseFile);
    await expect(verify(folder)).rejects.toMatchObject({ code: 'LIBRARY_NOT_FOUND' });
  });
});

describe('verify --repair', () => {
  it.each<[string, ProblemCode[], (folder: SoundFolder) => void]>([
    [
      'rows that refer to nothing',
      ['ROWS_ORPHANED'],
      inDatabase((d) => {
        d.exec('DELETE FROM videos WHERE id = 3');
        d.exec('DELETE FROM collections');
      }),
    ],
    [
      'videos whose parts do not agree',
      ['VIDEO_INCOMPLETE', 'VIDEO_NOT_EMBEDDED'],
      inDatabase((d) => {
        d.exec('DELETE FROM timestep_blocks WHERE id = 1');
        d.exec('DELETE FROM timestep_blocks WHERE id = 135; DELETE FROM segment_blocks WHERE id = 135');
        d.exec('DELETE FROM segments WHERE id = 150');
        d.exec('UPDATE videos SET segment_count = 3 WHERE id = 6');
        removeFeatures(d, 4);
      }),
    ],
    [
      'features that are not finite',
      ['FEATURES_INVALID'],
      inDatabase((d) => {
        spoil(d, 'segment_blocks', 'embeddings', 1);
        spoil(d, 'timestep_blocks', 'timesteps', 71);
      }),
    ],
    [
      'features of a wrong length',
      ['FEATURES_INVALID'],
      inDatabase((d) => d.exec("UPDATE segment_blocks SET embeddings = x'00' WHERE id = 1")),
    ],
    ['a snapshot that is missing', ['SNAPSHOT_MISSING'], (f) => removeSnapshot(f)],
    [
      'a folder of snapshots that is missing',
      ['SNAPSHOT_MISSING'],
      (f) => rmSync(f.dataFolder.vectorsFolder, { recursive: true }),
    ],
    ['a snapshot without its graph', ['SNAPSHOT_DAMAGED'], (f) => rmSync(snapshotOf(f).graph)],
    [
      'a folder in the place of a graph',
      ['SNAPSHOT_DAMAGED'],
      (f) => {
        const { graph } = snapshotOf(f);
        rmSync(graph);
        mkdirSync(graph);
        writeFileSync(join(graph, 'x'), 'x');
      },
    ],
    [
      'a snapshot without its sidecar',
      ['SNAPSHOT_MISSING', 'STRAY_FILE'],
      (f) => rmSync(snapshotOf(f).sidecar),
    ],
    [
      'a snapshot of another history',
      ['SNAPSHOT_FOREIGN'],
      inDatabase((d) => d.exec('UPDATE segment_changes SET mark = mark + 1')),
    ],
    [
      'segments that only one of library and index has',
      ['SNAPSHOT_DISAGREES'],
      inDatabase((d) =>
        unlogged(d, () => {
          addSegment(d);
          removeFeatures(d, 5);
          swapFeatures(d);
        }),
      ),
    ],
    [
      'files that belong to nothing',
      ['STRAY_FILE'],
      (f) => {
        const received = join(f.dataFolder.temporaryFolder, 'cliptrace-upload-abcDEF');
        mkdirSync(received);
        writeFileSync(join(received, randomUUID()), 'x');
        writeFileSync(join(f.dataFolder.mediaFolder, randomUUID()), 'x');
        for (const name of STRAY_THUMBNAILS) writeFileSync(join(f.dataFolder.thumbnailsFolder, name), 'x');
        writeFileSync(`${snapshotOf(f).graph}.tmp`, 'x');
        writeFileSync(join(f.dataFolder.vectorsFolder, 'm~01234567.json'), 'x');
      },
    ],
    [
      'other vectors whose norm is off within what is allowed',
      ['SNAPSHOT_DISAGREES'],
      inDatabase((d) => {
        swapFeatures(d);
        scaleEmbeddings(d, 1, 1.0008);
        scaleEmbeddings(d, 71, 0.9995);
      }),
    ],
  ])('puts right %s', async (_, codes, spoilFolder) => {
    const folder = await soundFolder();
    spoilFolder(folder);
    const found = await verify(folder);
    expect(found.problems.map((problem) => problem.code)).toEqual(expect.arrayContaining(codes));
    expect(found.status).toBe('repairable');
    expect(await verify(folder, { repair: true })).toMatchObject({ status: 'repaired', remaining: [] });
    expect(await verify(folder)).toMatchObject({ status: 'sound', problems: [] });
    await expectIndexed(folder);
  });

  it('deletes nothing that is sound', async () => {
    const folder = await soundFolder();
    const pictures = join(folder.dataFolder.temporaryFolder, 'cliptrace-pictures-0123456789abcdef');
    writeFileSync(pictures, 'x');
    writeFileSync(join(folder.dataFolder.thumbnailsFolder, 'notes of the owner.txt'), 'x');
    writeFileSync(join(folder.dataFolder.vectorsFolder, 'README'), 'x');
    await verify(folder, { repair: true });
    expect(existsSync(pictures)).toBe(false);
    expect(existsSync(join(folder.dataFolder.thumbnailsFolder, 'notes of the owner.txt'))).toBe(true);
    expect(existsSync(join(folder.dataFolder.vectorsFolder, 'README'))).toBe(true);
    expect(existsSync(folder.fileOf(UPLOAD))).toBe(true);
  });

  it('queues spoilt videos to be embedded again, uploads as what they were', async () => {
    const folder = await soundFolder();
    tamper(folder, (database) => database.exec('UPDATE videos SET segment_count = 3 WHERE id IN (1, 6)'));
    await verify(folder, { repair: true });
    const jobs = await (await openForTest(folder, 'read')).pendingJobs();
    expect(jobs.map(({ request }) => request)).toEqual([
      { type: 'index', paths: [folder.fileOf(1)], collection: 'default', labelFrom: null, prune: false },
      { type: 'upload', path: folder.fileOf(UPLOAD), collection: 'default', title: 'Video 6', label: null },
    ]);
  });

  it.each<[string, (path: string) => void, ProblemCode]>([
    ['is gone', (path) => rmSync(path), 'FILE_MISSING'],
    ['is empty', (path) => truncateSync(path, 0), 'FILE_CHANGED'],
    ['was overwritten', (path) => writeFileSync(path, 'noise'), 'FILE_CHANGED'],
    ['has other bytes at the same size and time', (path) => overwriteUnseen(path), 'FILE_ALTERED'],
  ])('keeps features that nobody could make again because the file %s', async (_, spoilFile, fileCode) => {
    const folder = await soundFolder();
    tamper(folder, (database) => {
      database.exec('DELETE FROM timestep_blocks WHERE id = 1');
      spoil(database, 'segment_blocks', 'embeddings', 71);
      database.exec('UPDATE videos SET segment_count = segment_count + 1 WHERE id = 6');
    });
    for (const name of [1, 2, UPLOAD]) spoilFile(folder.fileOf(name));
    expect((await verify(folder, { deep: true })).status).toBe('unrepairable');
    const report = await verify(folder, { deep: true, repair: true });
    expect(report.status).toBe('unrepairable');
    const left = (report.remaining ?? report.problems).filter(({ subject }) => subject.startsWith('video '));
    expect(left.map(({ code, subject }) => [code, subject])).toEqual([
      ['VIDEO_INCOMPLETE', 'video 1'],
      ['VIDEO_INCOMPLETE', 'video 6'],
      ['FEATURES_INVALID', 'video 2'],
    ]);
    for (const { repair, remedy } of left) {
      expect(repair).toBeNull();
      expect(remedy).toContain('Restore the file');
    }
    expect(report.problems.map(({ code }) => code)).toContain(fileCode);
    const library = await openForTest(folder, 'read');
    expect(await library.countSegments(MODEL.id)).toBe(SEGMENTS);
    expect(await library.pendingJobs()).toEqual([]);
  });

  it('embeds again from the copy that has the content, whatever its time', async () => {
    const folder = await soundFolder();
    tamper(folder, (database) => database.exec('UPDATE videos SET segment_count = 3 WHERE id = 1'));
    utimesSync(folder.fileOf(1), 1, 1);
    await verify(folder, { repair: true });
    const library = await openForTest(folder, 'read');
    expect(await library.pendingJobs()).toHaveLength(1);
  });
});

describe('what verify cannot put right', () => {
  it('is named, with what to do', async () => {
    const folder = await soundFolder();
    rmSync(folder.fileOf(1));
    rmSync(folder.fileOf(UPLOAD));
    truncateSync(folder.fileOf(2), 3);
    utimesSync(folder.fileOf(3), 1, 1);
    tamper(folder, (database) => database.exec('DELETE FROM files WHERE video_id = 4'));
    const report = await verify(folder, { repair: true });
    expect(report).toMatchObject({ status: 'unrepairable', remaining: null });
    const told = report.problems.map(({ code, subject }) => [code, subject]);
    expect(told).toEqual([
      ['VIDEO_WITHOUT_FILE', 'video 4'],
      ['FILE_MISSING', folder.fileOf(1)],
      ['FILE_CHANGED', folder.fileOf(2)],
      ['FILE_CHANGED', folder.fileOf(3)],
      // Kept by its place in the data folder, which comes after every absolute path.
      ['FILE_MISSING', folder.fileOf(UPLOAD)],
    ]);
    for (const { repair, remedy } of report.problems) {
      expect(repair).toBeNull();
      expect(remedy).not.toBe('');
    }
  });

  it('with --deep compares contents: times alone are no problem, and the same time is no proof', async () => {
    const folder = await soundFolder();
    utimesSync(folder.fileOf(1), 1, 1);
    const library = await openForTest(folder, 'read');
    const { modifiedMs } = (await library.filesOf(2))[0] as { modifiedMs: number };
    writeFileSync(folder.fileOf(2), readFileSync(folder.fileOf(2), 'utf8').replace('bytes', 'BYTES'));
    utimesSync(folder.fileOf(2), modifiedMs / 1000, modifiedMs / 1000);
    writeFileSync(folder.fileOf(3), readFileSync(folder.fileOf(3), 'utf8').replace('bytes', 'BYTES'));
    const report = await verify(folder, { deep: true });
    const codes = report.problems.map(({ code, subject }) => [code, subject]);
    expect(codes).toContainEqual(['FILE_CHANGED', folder.fileOf(3)]);
    expect(codes.map(([, subject]) => subject)).not.toContain(folder.fileOf(1));
    expect(codes.map(([, subject]) => subject)).toContain(folder.fileOf(2));
  });

  it.each(['vectors', 'media', 'thumbnails', 'tmp'])('a file in the place of %s is named', async (name) => {
    const folder = await soundFolder();
    const path = join(folder.dataFolder.root, name);
    rmSync(path, { recursive: true });
    writeFileSync(path, 'of the owner');
    for (const repair of [false, true]) {
      const report = await verify(folder, { repair });
      expect(report.status).toBe('unrepairable');
      const told = report.problems.find(({ code }) => code === 'FOLDER_UNUSABLE');
      expect(told).toMatchObject({ subject: path, detail: 'it is a file, not a folder' });
    }
    expect(readFileSync(path, 'utf8')).toBe('of the owner');
    rmSync(path);
    if (name !== 'media') expect((await verify(folder, { repair: true })).remaining ?? []).toEqual([]);
  });

  it('videos of another model are told, when the current one is known', async () => {
    const folder = await soundFolder();
    const report = await verify(folder, { modelId: 'another-model' });
    expect(report).toMatchObject({ status: 'unrepairable', problems: [{ code: 'MODEL_OUTDATED' }] });
    expect(await verify(folder, { modelId: null })).toMatchObject({ status: 'sound' });
  });

  it('a damaged database is told as such, whatever page is hit', async () => {
    const folder = await soundFolder();
    tamper(folder, () => undefined);
    const file = folder.dataFolder.databaseFile;
    const whole = readFileSync(file);
    for (const offset of [0, 5, 100, 16384 * 3 + 2, 16384 * 9 + 1]) {
      const bytes = Buffer.from(whole);
      bytes.fill(0xff, offset, offset + 64);
      writeFileSync(file, bytes);
      const report = await verify(folder);
      expect(report.problems[0]?.code, `offset ${offset}`).toBe('DATABASE_DAMAGED');
      expect(['unrepairable', 'repairable']).toContain(report.status);
    }
    writeFileSync(file, whole.subarray(0, 16384 * 5));
    expect(await verify(folder)).toMatchObject({ status: 'unrepairable' });
    writeFileSync(file, whole);
    expect(await verify(folder)).toMatchObject({ status: 'sound' });
  });
});

/** As a failing disk does. */
function overwriteUnseen(path: string): void {
  const { size, atimeMs, mtimeMs } = statSync(path);
  writeFileSync(path, 'x'.repeat(size));
  utimesSync(path, atimeMs / 1000, mtimeMs / 1000);
}

function inDatabase(change: (database: SqliteDatabase) => void): (folder: SoundFolder) => void {
  return (folder) => tamper(folder, change);
}

/** After a repair the index answers from its snapshot, with all that the library has. */
async function expectIndexed(folder: SoundFolder): Promise<void> {
  const library = await openForTest(folder);
  const { index, opening } = await openSegmentIndex({
    library,
    model: MODEL,
    folder: folder.dataFolder.vectorsFolder,
    writable: true,
  });
  expect(opening).toMatchObject({ how: 'loaded', segmentCount: await library.countSegments(MODEL.id) });
  await index.close();
  await library.close();
}

function snapshotOf({ dataFolder }: SoundFolder) {
  return snapshotFiles(dataFolder.vectorsFolder);
}

function removeSnapshot(folder: SoundFolder): void {
  rmSync(folder.dataFolder.vectorsFolder, { recursive: true });
  mkdirSync(folder.dataFolder.vectorsFolder);
}

function removeFeatures(database: SqliteDatabase, videoId: number): void {
  database.exec(
    `DELETE FROM timestep_blocks WHERE id IN (SELECT id FROM segment_blocks WHERE video_id = ${videoId})`,
  );
  database.exec(`DELETE FROM segment_blocks WHERE video_id = ${videoId}`);
  database.exec(`DELETE FROM segments WHERE video_id = ${videoId}`);
}

/** Makes one value of a block not a number. */
function spoil(database: SqliteDatabase, table: string, column: string, id: number): void {
  const blob = database.prepare(`SELECT ${column} FROM ${table} WHERE id = ?`).pluck().get(id) as Buffer;
  if (column === 'embeddings') blob.writeFloatLE(Number.NaN, 40);
  else blob.writeUInt16LE(0x7e00, 40);
  database.prepare(`UPDATE ${table} SET ${column} = ? WHERE id = ?`).run(blob, id);
}

/** As if the log had missed it. */
function unlogged(database: SqliteDatabase, change: (database: SqliteDatabase) => void): void {
  const last = database.prepare('SELECT max(sequence) FROM segment_changes').pluck().get();
  change(database);
  database.exec(`DELETE FROM segment_changes WHERE sequence > ${last}`);
}

function addSegment(database: SqliteDatabase): void {
  database.exec(`
    INSERT INTO segments SELECT 9000, video_id, model_key, 500, 501 FROM segments WHERE id = 1;
    INSERT INTO segment_blocks SELECT 9000, video_id, model_key, 1, substr(embeddings, 1, 64) FROM segment_blocks WHERE id = 1;
    INSERT INTO timestep_blocks SELECT 9000, substr(timesteps, 1, 128) FROM timestep_blocks WHERE id = 1;
    UPDATE videos SET segment_count = segment_count + 1 WHERE id = 1`);
}

function swapFeatures(database: SqliteDatabase): void {
  database.exec(
    `UPDATE segment_blocks SET embeddings = (SELECT embeddings FROM segment_blocks WHERE id = 71) WHERE id = 1`,
  );
}

/** Of a block, by a factor. */
function scaleEmbeddings(database: SqliteDatabase, id: number, factor: number): void {
  const blob = database
    .prepare('SELECT embeddings FROM segment_blocks WHERE id = ?')
    .pluck()
    .get(id) as Buffer;
  for (let at = 0; at < blob.length; at += 4) blob.writeFloatLE(blob.readFloatLE(at) * factor, at);
  database.prepare('UPDATE segment_blocks SET embeddings = ? WHERE id = ?').run(blob, id);
}
