import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../../index/library/database.js';
import { FailedFilesTable } from '../../index/library/failed-files.js';
import { migrate, migrationsFolder, readMigrations } from '../../index/library/migrations.js';
import type { FileOutcome, JobRequest } from '../../index/library/types.js';
import { between, pick, seeded } from '../fixtures/seeded.js';
import { temporaryFolder, temporaryLibrary } from './fixtures.js';

const COLLECTIONS = ['a', 'b'];
const ROOTS = ['/', '/x', '/x/1', '/x/1.mp4', '/y'];
const PATHS = ['/x/1.mp4', '/x/1/2.mp4', '/x/1/3.mp4', '/x0.mp4', '/y/4.mp4', "/y/it's.mp4"];
const OUTCOMES: FileOutcome[] = ['failed', 'failed', 'indexed', 'unchanged', 'missing', 'skipped'];

interface Told {
  request: JobRequest;
  files: { path: string; outcome: FileOutcome }[];
}

/** Jobs of two collections and two types, each with some of the paths. */
function history(seed: number): Told[] {
  const random = seeded(seed);
  return Array.from({ length: 40 }, () => {
    const collection = pick(random, COLLECTIONS);
    const request: JobRequest =
      random() < 0.8
        ? { type: 'index', paths: ['/'], collection, labelFrom: null, prune: false }
        : { type: 'upload', path: '/x/1.mp4', collection, title: 'u', label: null };
    const files = PATHS.filter(() => random() < 0.3).map((path) => ({
      path,
      outcome: pick(random, OUTCOMES),
    }));
    return { request, files: files.slice(0, between(random, 0, PATHS.length)) };
  });
}

/** The last index job of the collection that told of the path counts. */
function failedOf(told: readonly Told[], collection: string, root: string): string[] {
  return PATHS.filter((path) => root === '/' || path === root || path.startsWith(`${root}/`))
    .filter((path) => {
      const outcomes = told
        .filter(({ request }) => request.type === 'index' && request.collection === collection)
        .flatMap(({ files }) => files.filter((file) => file.path === path));
      return outcomes.at(-1)?.outcome === 'failed';
    })
    .sort();
}

const SEEDS = [1, 2, 3, 4];

describe('files that failed when they were last tried', () => {
  it.each(SEEDS)('are kept as jobs tell of them (seed %i)', async (seed) => {
    const { library } = await temporaryLibrary();
    const told = history(seed);
    for (const { request, files } of told) {
      const { id } = await library.createJob(request);
      for (const [at, { path, outcome }] of files.entries()) {
        await library.putJobFile(id, { path, outcome, videoId: null, code: null, message: null }, at + 1);
      }
    }
    for (const collection of COLLECTIONS)
      for (const root of ROOTS)
        expect(await library.failedFilesBelow(collection, root)).toEqual(failedOf(told, collection, root));
  });

  it.each(SEEDS)('are found in a library of before (seed %i)', (seed) => {
    const folder = temporaryFolder();
    const all = readMigrations(migrationsFolder());
    const own = all.find(({ name }) => name.endsWith('_failed_files_now.sql'))?.version ?? 0;
    for (const { name, version } of all)
      if (version < own) cpSync(join(migrationsFolder(), name), join(folder, name));
    const database = openDatabase(join(temporaryFolder(), 'old.sqlite'), { readonly: false });
    onTestFinished(() => {
      database.close();
    });
    migrate(database, folder);
    const job = database.prepare(
      "INSERT INTO jobs (request_json, status, progress_json, created_at) VALUES (?, 'done', '{}', '')",
    );
    const file = database.prepare(
      "INSERT INTO job_files (job_id, position, path, outcome, code) VALUES (?, ?, ?, ?, '')",
    );
    job.run('{"type":"index"');
    const told = history(seed);
    for (const { request, files } of told) {
      const { lastInsertRowid } = job.run(JSON.stringify(request));
      for (const [at, { path, outcome }] of files.entries()) file.run(lastInsertRowid, at, path, outcome);
    }
    migrate(database);
    const table = new FailedFilesTable(database);
    for (const collection of COLLECTIONS)
      for (const root of ROOTS)
        expect(table.below(collection, root)).toEqual(failedOf(told, collection, root));
  });
});
