import { dirname } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openDatabase, type SqliteDatabase } from '../../index/library/database.js';
import { FailedFilesTable } from '../../index/library/failed-files.js';
import { JobFilesTable } from '../../index/library/job-files.js';
import { JobsTable } from '../../index/library/jobs.js';
import { StoredPaths } from '../../index/library/stored-paths.js';
import { temporaryLibrary } from './fixtures.js';

/** What SQLite does for each statement that the tables prepare. */
async function plans(): Promise<Map<string, string[]>> {
  const { dataFolder } = await temporaryLibrary();
  const database = openDatabase(dataFolder.databaseFile, { readonly: true });
  onTestFinished(() => {
    database.close();
  });
  const statements: string[] = [];
  const recording = new Proxy(database, {
    get: (target, name) => {
      if (name !== 'prepare') return Reflect.get(target, name);
      return (sql: string) => {
        statements.push(sql);
        return target.prepare(sql);
      };
    },
  }) as SqliteDatabase;
  new JobsTable(recording, new StoredPaths(dirname(dataFolder.databaseFile)));
  new JobFilesTable(recording);
  new FailedFilesTable(recording);
  return new Map(
    statements.map((sql) => {
      const bound = sql.replaceAll(/@\w+|\?/g, '1');
      const steps = database.prepare(`EXPLAIN QUERY PLAN ${bound}`).all() as { detail: string }[];
      return [sql, steps.map(({ detail }) => detail)];
    }),
  );
}

it('no statement about jobs reads all that there ever were', async () => {
  const found = await plans();
  expect(found.size).toBeGreaterThan(15);
  for (const [sql, steps] of found) {
    // From the newest on, until there are enough.
    if (sql.includes('ORDER BY id DESC LIMIT')) continue;
    const scans = steps.filter(
      (step) => step.startsWith('SCAN') && !/CONSTANT ROW|USING (COVERING )?INDEX jobs_/.test(step),
    );
    expect(scans, sql).toEqual([]);
  }
});

it('what is asked four times a second goes by the index of the jobs that have not ended', async () => {
  const found = await plans();
  const pending = [...found].filter(([sql]) => sql.includes("status = 'queued' AND"));
  expect(pending).toHaveLength(2);
  for (const [sql, steps] of pending) expect(steps.join(), sql).toContain('jobs_by_status');
});
