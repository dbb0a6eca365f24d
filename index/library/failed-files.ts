import type { Statement } from 'better-sqlite3';
import type { SqliteDatabase } from './database.js';
import { rangeBelow } from './files.js';

interface Asked {
  collection: string;
  root: string;
  start: string;
  end: string;
}

/** Files that failed when an index job last tried them. */
export class FailedFilesQuery {
  readonly #below: Statement<[Asked]>;

  constructor(database: SqliteDatabase) {
    const indexes = (job: string) =>
      `${job}.request_json ->> '$.type' = 'index' AND ${job}.request_json ->> '$.collection' = @collection`;
    this.#below = database
      .prepare(
        `SELECT DISTINCT f.path FROM job_files f JOIN jobs j ON j.id = f.job_id
         WHERE f.outcome = 'failed' AND ${indexes('j')}
           AND f.path >= @root AND f.path < @end AND (f.path = @root OR f.path >= @start)
           AND NOT EXISTS (
             SELECT 1 FROM jobs later JOIN job_files g ON g.job_id = later.id AND g.path = f.path
             WHERE later.id > f.job_id AND ${indexes('later')})
         ORDER BY f.path`,
      )
      .pluck();
  }

  below(collection: string, root: string): string[] {
    const [start, end] = rangeBelow(root);
    return this.#below.all({ collection, root, start, end }) as string[];
  }
}
