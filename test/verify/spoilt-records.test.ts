import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SqliteDatabase } from '../../index/library/database.js';
import type { JobRequest } from '../../index/library/types.js';
import { defaultCalibration } from '../../index/search/calibration/default-calibration.js';
import { MODEL } from '../library/library-inputs.js';
import { makeWatch } from '../library/watch-inputs.js';
import { openForTest, type SoundFolder, soundFolder, tamper, verify } from './sound-folder.js';

const INDEX_JOB: JobRequest = {
  type: 'index',
  paths: ['/archive'],
  collection: 'default',
  labelFrom: null,
  prune: false,
};

describe('rows of JSON that cannot be read', () => {
  it('are all found, and made readable by --repair', async () => {
    const folder = await soundFolder();
    await fillWithRecords(folder);
    expect(await verify(folder)).toMatchObject({ status: 'sound' });
    const columns = jsonColumns(folder);
    expect(columns.length).toBeGreaterThan(12);
    tamper(folder, (database) => {
      for (const [table, column] of columns)
        database.exec(`UPDATE ${table} SET ${column} = replace(substr(${column}, 2), ':', ';') || char(1)`);
    });
    const found = await verify(folder);
    expect(found.status).toBe('repairable');
    const told = new Set(found.problems.map(({ subject, detail }) => `${subject} ${detail}`.split(':')[0]));
    for (const [table, column] of columns)
      expect([...told]).toContainEqual(expect.stringMatching(`^${table} [0-9/]+ ${column}$`));
    expect(new Set(found.problems.map(({ code }) => code))).toEqual(new Set(['RECORD_UNREADABLE']));
    expect(await verify(folder, { repair: true })).toMatchObject({ status: 'repaired', remaining: [] });

    const library = await openForTest(folder);
    const jobs = await library.listJobs(50);
    expect(jobs.every(({ status }) => status === 'failed')).toBe(true);
    expect(jobs[0]?.error?.code).toBe('LIBRARY_DAMAGED');
    expect(await library.pendingJobs()).toEqual([]);
    expect(await library.watches.active()).toHaveLength(1);
    expect(await library.getCalibration('default', MODEL.id)).toBeNull();
    expect((await library.listApiKeys())[0]).toMatchObject({ scopes: [], revokedAt: expect.any(String) });
  });

  it.each([
    ['a key', `replace(request_json, '"type"', '"typd"')`],
    ['its kind', `replace(request_json, '"index"', '"indey"')`],
    ['what holds it together', `replace(request_json, '{', ';')`],
  ])('fail the job that waited, when %s is spoilt', async (_, spoilt) => {
    const folder = await soundFolder();
    const library = await openForTest(folder);
    const { id } = await library.createJob(INDEX_JOB);
    await library.close();
    tamper(folder, (database) => database.exec(`UPDATE jobs SET request_json = ${spoilt}`));
    expect((await verify(folder)).problems).toMatchObject([
      { code: 'RECORD_UNREADABLE', subject: `jobs ${id}` },
    ]);
    expect((await verify(folder, { repair: true })).status).toBe('repaired');
    const after = await (await openForTest(folder)).getJob(id);
    expect(after).toMatchObject({ status: 'failed', error: { code: 'LIBRARY_DAMAGED' } });
  });

  it('cost no upload whose name is still there: its job can be resumed', async () => {
    const folder = await soundFolder();
    const path = join(folder.dataFolder.mediaFolder, 'b2c3');
    writeFileSync(path, 'an upload');
    const library = await openForTest(folder);
    const job = { type: 'upload', path, collection: 'default', title: 'A cat', label: null } as const;
    const { id } = await library.createJob(job);
    await library.close();
    tamper(folder, (database) => database.exec(`UPDATE jobs SET request_json = substr(request_json, 2)`));
    expect((await verify(folder, { repair: true })).status).toBe('repaired');
    expect(existsSync(path)).toBe(true);
    const after = await openForTest(folder);
    expect((await after.getJob(id))?.request).toEqual(job);
    expect(await after.controlJob(id, 'resume')).toMatchObject({ status: 'queued' });
  });

  it('are no calibration of a search', async () => {
    const folder = await soundFolder();
    const library = await openForTest(folder);
    const calibration = { ...defaultCalibration(MODEL.id), videoCount: 9 };
    await library.putCalibration('default', calibration);
    expect(await library.getCalibration('default', MODEL.id)).toEqual(calibration);
    await library.close();
    for (const spoilt of ['substr(calibration_json, 2)', `replace(calibration_json, '"bias"', '"bibs"')`]) {
      tamper(folder, (database) => database.exec(`UPDATE calibrations SET calibration_json = ${spoilt}`));
      const after = await openForTest(folder, 'read');
      expect(await after.getCalibration('default', MODEL.id)).toBeNull();
      await after.close();
      expect((await verify(folder)).problems).toMatchObject([{ code: 'RECORD_UNREADABLE' }]);
    }
  });
});

/** One row at least for each column of JSON. */
async function fillWithRecords(folder: SoundFolder): Promise<void> {
  const library = await openForTest(folder);
  const ended = await library.createJob(INDEX_JOB);
  await library.updateJob(ended.id, {
    status: 'failed',
    error: { code: 'DISK_FULL', message: 'full' },
    endedAt: new Date().toISOString(),
  });
  const { id } = await library.createJob({ type: 'boilerplate', collection: 'default' });
  await library.putJobResult(ended.id, { groups: [] });
  await library.putCalibration('default', defaultCalibration(MODEL.id));
  await makeWatch(library);
  await library.close();
  tamper(folder, (database) => {
    const at = '2026-01-01T00:00:00.000Z';
    database.exec(`
      INSERT INTO evaluations VALUES (${id}, '{"protocol":"edits"}', '{"protocol":"edits"}', '{"queries":1}');
      INSERT INTO boilerplate_reports SELECT 1, key, '{"modelId":"m","videoCount":1,"groups":[]}' FROM models;
      INSERT INTO api_keys (public_id, name, secret_sha256, scopes_json, collections_json, created_at)
        VALUES ('abc', 'a key', zeroblob(32), '["search"]', '["default"]', '${at}')`);
  });
}

/** As the schema has them, so that none is forgotten that comes later. */
function jsonColumns(folder: SoundFolder): [string, string][] {
  let columns: [string, string][] = [];
  tamper(folder, (database: SqliteDatabase) => {
    columns = database
      .prepare(
        `SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
         WHERE t.type = 'table' AND c.name GLOB '*_json' AND c.name <> 'layout_json'`,
      )
      .raw()
      .all() as [string, string][];
  });
  return columns;
}
