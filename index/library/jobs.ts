import type { Statement } from 'better-sqlite3';
import type { SqliteDatabase } from './database.js';
import type { FileOutcome, Job, JobFile, JobProgress, JobRequest, JobStatus } from './types.js';

interface JobRow {
  id: number;
  requestJson: string;
  status: JobStatus;
  progressJson: string;
  errorJson: string | null;
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
}

export type JobChange = Partial<Pick<Job, 'status' | 'progress' | 'error' | 'startedAt' | 'endedAt'>>;

const FIELDS = `id, request_json AS requestJson, status, progress_json AS progressJson, error_json AS errorJson,
  created_at AS createdAt, started_at AS startedAt, ended_at AS endedAt`;

/** Of a job that has not begun. */
export const NO_PROGRESS: Readonly<JobProgress> = {
  filesTotal: null,
  filesDone: 0,
  filesSkipped: 0,
  filesFailed: 0,
  filesOther: 0,
  segments: 0,
  videoSeconds: 0,
  bytesTotal: null,
  bytesDone: 0,
  etaSeconds: null,
  currentFile: null,
};

export class JobsTable {
  readonly #insert: Statement<[string, string, string]>;
  readonly #get: Statement<[number]>;
  readonly #list: Statement<[number]>;
  readonly #pending: Statement<[]>;
  readonly #update: Statement<[string, string, string | null, string | null, string | null, number]>;
  readonly #claim: Statement<[string]>;
  readonly #requeue: Statement<[]>;
  readonly #putFile: Statement<[Record<string, unknown>]>;
  readonly #files: Statement<[{ jobId: number; outcome: string | null }]>;

  constructor(database: SqliteDatabase) {
    this.#insert = database.prepare(
      `INSERT INTO jobs (request_json, status, progress_json, created_at) VALUES (?, 'queued', ?, ?) RETURNING ${FIELDS}`,
    );
    this.#get = database.prepare(`SELECT ${FIELDS} FROM jobs WHERE id = ?`);
    this.#list = database.prepare(`SELECT ${FIELDS} FROM jobs ORDER BY id DESC LIMIT ?`);
    this.#pending = database.prepare(
      `SELECT ${FIELDS} FROM jobs WHERE status IN ('queued', 'running') ORDER BY id`,
    );
    this.#update = database.prepare(
      'UPDATE jobs SET status = ?, progress_json = ?, error_json = ?, started_at = ?, ended_at = ? WHERE id = ?',
    );
    this.#claim = database.prepare(
      `UPDATE jobs SET status = 'running', started_at = ?
       WHERE id = (SELECT id FROM jobs WHERE status = 'queued' ORDER BY id LIMIT 1) RETURNING ${FIELDS}`,
    );
    this.#requeue = database.prepare(
      "UPDATE jobs SET status = 'queued', started_at = NULL WHERE status = 'running'",
    );
    this.#putFile = database.prepare(
      `INSERT INTO job_files (job_id, position, path, outcome, video_id, code, message)
       VALUES (@jobId, (SELECT coalesce(max(position), 0) + 1 FROM job_files WHERE job_id = @jobId),
         @path, @outcome, @videoId, @code, @message)
       ON CONFLICT (job_id, path) DO UPDATE SET outcome = excluded.outcome, video_id = excluded.video_id,
         code = excluded.code, message = excluded.message`,
    );
    this.#files = database.prepare(
      `SELECT path, outcome, video_id AS videoId, code, message FROM job_files
       WHERE job_id = @jobId AND (@outcome IS NULL OR outcome = @outcome) ORDER BY position`,
    );
  }

  create(request: JobRequest): Job {
    const row = this.#insert.get(
      JSON.stringify(request),
      JSON.stringify(NO_PROGRESS),
      new Date().toISOString(),
    );
    return toJob(row as JobRow);
  }

  get(id: number): Job | null {
    const row = this.#get.get(id) as JobRow | undefined;
    return row === undefined ? null : toJob(row);
  }

  list(limit: number): Job[] {
    return (this.#list.all(limit) as JobRow[]).map(toJob);
  }

  pending(): Job[] {
    return (this.#pending.all() as JobRow[]).map(toJob);
  }

  /** False when there is no such job. */
  update(id: number, change: JobChange): boolean {
    const job = this.get(id);
    if (job === null) return false;
    const next = { ...job, ...change };
    const error = next.error === null ? null : JSON.stringify(next.error);
    this.#update.run(next.status, JSON.stringify(next.progress), error, next.startedAt, next.endedAt, id);
    return true;
  }

  claim(): Job | null {
    const row = this.#claim.get(new Date().toISOString()) as JobRow | undefined;
    return row === undefined ? null : toJob(row);
  }

  requeueInterrupted(): number {
    return this.#requeue.run().changes;
  }

  putFile(jobId: number, file: JobFile): void {
    this.#putFile.run({ jobId, ...file });
  }

  files(jobId: number, outcome: FileOutcome | null): JobFile[] {
    return this.#files.all({ jobId, outcome }) as JobFile[];
  }
}

function toJob(row: JobRow): Job {
  return {
    id: row.id,
    request: JSON.parse(row.requestJson),
    status: row.status,
    // Rows of older versions lack what was added since.
    progress: { ...NO_PROGRESS, ...JSON.parse(row.progressJson) },
    error: row.errorJson === null ? null : JSON.parse(row.errorJson),
    createdAt: row.createdAt,
    startedAt: row.startedAt,
    endedAt: row.endedAt,
  };
}
