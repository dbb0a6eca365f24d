import type { Statement } from 'better-sqlite3';
import type { SqliteDatabase } from './database.js';

/** What jobs found, as JSON. */
export class JobResultsTable {
  readonly #get: Statement<[number]>;
  readonly #put: Statement<[number, string]>;

  constructor(database: SqliteDatabase) {
    this.#get = database.prepare<[number]>('SELECT result_json FROM job_results WHERE job_id = ?').pluck();
    this.#put = database.prepare('INSERT OR REPLACE INTO job_results VALUES (?, ?)');
  }

  get(jobId: number): unknown {
    const json = this.#get.get(jobId) as string | undefined;
    return json === undefined ? null : JSON.parse(json);
  }

  put(jobId: number, result: unknown): void {
    this.#put.run(jobId, JSON.stringify(result));
  }
}
