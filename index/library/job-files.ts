import type { Statement } from 'better-sqlite3';
import type { SqliteDatabase } from './database.js';
import type { FileOutcome, JobFile, NumberedJobFile } from './types.js';

const FIELDS = 'path, outcome, video_id AS videoId, code, message';

/** What became of each file of a job. `position` is the number of the event that told of it. */
export class JobFilesTable {
  readonly #put: Statement<[Record<string, unknown>]>;
  readonly #get: Statement<[number, string]>;
  readonly #list: Statement<[{ jobId: number; outcome: string | null }]>;
  readonly #after: Statement<[number, number, number]>;

  constructor(database: SqliteDatabase) {
    this.#put = database.prepare(
      `INSERT INTO job_files (job_id, position, path, outcome, video_id, code, message)
       VALUES (@jobId, @eventNumber, @path, @outcome, @videoId, @code, @message)
       ON CONFLICT (job_id, path) DO UPDATE SET position = excluded.position, outcome = excluded.outcome,
         video_id = excluded.video_id, code = excluded.code, message = excluded.message`,
    );
    this.#get = database.prepare(`SELECT ${FIELDS} FROM job_files WHERE job_id = ? AND path = ?`);
    this.#list = database.prepare(
      `SELECT ${FIELDS} FROM job_files
       WHERE job_id = @jobId AND (@outcome IS NULL OR outcome = @outcome) ORDER BY position`,
    );
    this.#after = database.prepare(
      `SELECT position AS eventNumber, ${FIELDS} FROM job_files
       WHERE job_id = ? AND position > ? ORDER BY position LIMIT ?`,
    );
  }

  put(jobId: number, file: JobFile, eventNumber: number): void {
    const { path, outcome, videoId, code, message } = file;
    this.#put.run({ jobId, eventNumber, path, outcome, videoId, code, message });
  }

  get(jobId: number, path: string): JobFile | null {
    return (this.#get.get(jobId, path) as JobFile | undefined) ?? null;
  }

  list(jobId: number, outcome: FileOutcome | null): JobFile[] {
    return this.#list.all({ jobId, outcome }) as JobFile[];
  }

  after(jobId: number, afterEvent: number, limit: number): NumberedJobFile[] {
    return this.#after.all(jobId, afterEvent, limit) as NumberedJobFile[];
  }
}
