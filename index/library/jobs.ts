import type { Statement } from 'better-sqlite3';
import { CliptraceError } from '../errors.js';
import type { SqliteDatabase } from './database.js';
import { atRest, hasEnded, isResumable, isStoppedForRoom } from './job-status.js';
import type { StoredPaths } from './stored-paths.js';
import type { Job, JobCommand, JobProgress, JobRequest, JobState, JobStatus } from './types.js';

interface JobRow {
  id: number;
  requestJson: string;
  status: JobStatus;
  wanted: Job['wanted'];
  progressJson: string;
  lastEvent: number;
  errorJson: string | null;
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
}

export type JobChange = Partial<
  Pick<Job, 'status' | 'wanted' | 'progress' | 'lastEvent' | 'error' | 'startedAt' | 'endedAt'>
>;

const FIELDS = `id, request_json AS requestJson, status, wanted, progress_json AS progressJson, last_event AS lastEvent,
  error_json AS errorJson, created_at AS createdAt, started_at AS startedAt, ended_at AS endedAt`;

/** A partial index serves only a condition that repeats its own: without it, each look reads all jobs there ever were. */
const PENDING = "status IN ('queued', 'running', 'paused')";

/** Of a job that has not begun. */
export const NO_PROGRESS: Readonly<JobProgress> = {
  filesTotal: null,
  filesDone: 0,
  filesSkipped: 0,
  filesFailed: 0,
  filesOther: 0,
  segments: 0,
  videoSeconds: 0,
  durationTotalSeconds: null,
  durationDoneSeconds: 0,
  durationIsEstimate: false,
  bytesTotal: null,
  bytesDone: 0,
  etaSeconds: null,
  currentFile: null,
  filesInHand: [],
  queriesTotal: null,
  queriesDone: 0,
};

export class JobsTable {
  readonly #paths: StoredPaths;
  readonly #insert: Statement<[string, string, string]>;
  readonly #get: Statement<[number]>;
  readonly #state: Statement<[number]>;
  readonly #indexedCollection: Statement<[number]>;
  readonly #list: Statement<[{ limit: number; collections: string | null }]>;
  readonly #pending: Statement<[]>;
  readonly #failedUploads: Statement<[]>;
  readonly #stoppedForRoom: Statement<[]>;
  readonly #running: Statement<[]>;
  readonly #hasQueued: Statement<[]>;
  readonly #update: Statement<[Record<string, unknown>]>;
  readonly #claim: Statement<[string]>;
  #indexing: { jobId: number; collection: string | null } | null = null;

  constructor(database: SqliteDatabase, paths: StoredPaths) {
    this.#paths = paths;
    this.#insert = database.prepare(
      `INSERT INTO jobs (request_json, status, progress_json, created_at) VALUES (?, 'queued', ?, ?) RETURNING ${FIELDS}`,
    );
    this.#get = database.prepare(`SELECT ${FIELDS} FROM jobs WHERE id = ?`);
    this.#state = database.prepare('SELECT status, wanted, last_event AS lastEvent FROM jobs WHERE id = ?');
    this.#indexedCollection = database
      .prepare(
        `SELECT CASE WHEN json_valid(request_json) AND request_json ->> '$.type' = 'index'
           THEN request_json ->> '$.collection' END FROM jobs WHERE id = ?`,
      )
      .pluck();
    this.#list = database.prepare(
      `SELECT ${FIELDS} FROM jobs WHERE @collections IS NULL
         OR request_json ->> '$.collection' IN (SELECT value FROM json_each(@collections))
       ORDER BY id DESC LIMIT @limit`,
    );
    this.#pending = database.prepare(`SELECT ${FIELDS} FROM jobs WHERE ${PENDING} ORDER BY id`);
    this.#failedUploads = database.prepare(
      `SELECT ${FIELDS} FROM jobs WHERE status = 'failed' AND request_json ->> '$.type' = 'upload' ORDER BY id`,
    );
    // Who asks for the same again need not have it twice.
    this.#stoppedForRoom = database.prepare(
      `SELECT ${FIELDS} FROM jobs WHERE status = 'failed' AND json_valid(request_json) AND json_valid(error_json)
         AND error_json ->> '$.code' = 'DISK_FULL' AND NOT EXISTS (
           SELECT 1 FROM jobs later WHERE later.id > jobs.id AND later.request_json = jobs.request_json)
       ORDER BY id`,
    );
    this.#running = database.prepare(`SELECT id FROM jobs WHERE status = 'running' AND ${PENDING}`).pluck();
    this.#hasQueued = database
      .prepare(`SELECT EXISTS (SELECT 1 FROM jobs WHERE status = 'queued' AND ${PENDING})`)
      .pluck();
    this.#update = database.prepare(
      `UPDATE jobs SET status = @status, wanted = @wanted, progress_json = @progressJson, last_event = @lastEvent,
         error_json = @errorJson, started_at = @startedAt, ended_at = @endedAt WHERE id = @id`,
    );
    this.#claim = database.prepare(
      `UPDATE jobs SET status = 'running', started_at = coalesce(started_at, ?)
       WHERE id = (SELECT id FROM jobs WHERE status = 'queued' AND ${PENDING} ORDER BY id LIMIT 1) RETURNING ${FIELDS}`,
    );
  }

  create(request: JobRequest): Job {
    const row = this.#insert.get(
      JSON.stringify(withPath(request, (path) => this.#paths.toStored(path))),
      JSON.stringify(NO_PROGRESS),
      new Date().toISOString(),
    );
    return this.#toJob(row as JobRow);
  }

  get(id: number): Job | null {
    const row = this.#get.get(id) as JobRow | undefined;
    return row === undefined ? null : this.#toJob(row);
  }

  /** JOB_NOT_FOUND. */
  require(id: number): Job {
    const job = this.get(id);
    if (job === null) throw notFound(id);
    return job;
  }

  state(id: number): JobState | null {
    return (this.#state.get(id) as JobState | undefined) ?? null;
  }

  /** Of an index job; null for another one. Asked for each file, and never changed: a request may be long. JOB_NOT_FOUND. */
  indexedCollection(id: number): string | null {
    if (this.#indexing?.jobId === id) return this.#indexing.collection;
    const collection = this.#indexedCollection.get(id) as string | null | undefined;
    if (collection === undefined) throw notFound(id);
    this.#indexing = { jobId: id, collection };
    return collection;
  }

  list(limit: number, collections: readonly string[] | null): Job[] {
    const wanted = collections === null ? null : JSON.stringify(collections);
    return (this.#list.all({ limit, collections: wanted }) as JobRow[]).map((row) => this.#toJob(row));
  }

  pending(): Job[] {
    return (this.#pending.all() as JobRow[]).map((row) => this.#toJob(row));
  }

  resumableUploads(): Job[] {
    return (this.#failedUploads.all() as JobRow[]).map((row) => this.#toJob(row)).filter(isResumable);
  }

  /** Failed for want of room, and not asked for again since; oldest first. */
  stoppedForRoom(): Job[] {
    return (this.#stoppedForRoom.all() as JobRow[]).map((row) => this.#toJob(row));
  }

  hasQueued(): boolean {
    return this.#hasQueued.get() === 1;
  }

  /** JOB_NOT_FOUND. Returns the job as it is then. */
  update(id: number, change: JobChange): Job {
    const next: Job = { ...this.require(id), ...change };
    // Only a process that runs the job can be asked for something.
    if (next.status !== 'running') next.wanted = null;
    const { status, wanted, progress, lastEvent, error, startedAt, endedAt } = next;
    const errorJson = error === null ? null : JSON.stringify(error);
    const progressJson = JSON.stringify(progress);
    this.#update.run({ id, status, wanted, progressJson, lastEvent, errorJson, startedAt, endedAt });
    return next;
  }

  claim(): Job | null {
    const row = this.#claim.get(new Date().toISOString()) as JobRow | undefined;
    return row === undefined ? null : this.#toJob(row);
  }

  control(id: number, command: JobCommand): Job {
    const job = this.require(id);
    const canResume = command === 'resume' && isResumable(job);
    // It would go on by itself.
    const canCancel = command === 'cancel' && isStoppedForRoom(job);
    if (hasEnded(job) && !canResume && !canCancel) {
      throw new CliptraceError(
        'JOB_ALREADY_ENDED',
        `Job ${id} has already ended: it is ${job.status}. Ask for the same again to have it done once more.`,
      );
    }
    switch (command) {
      case 'cancel':
        if (job.status === 'running') return this.update(id, { wanted: 'cancel' });
        return this.#end(job);
      case 'pause':
        if (job.status === 'queued') return this.#become(job, 'paused');
        if (job.status === 'running' && job.wanted === null) return this.update(id, { wanted: 'pause' });
        return job;
      case 'resume':
        if (job.status === 'paused' || job.status === 'failed') return this.#become(job, 'queued');
        if (job.wanted === 'pause') return this.update(id, { wanted: null });
        return job;
    }
  }

  settle(id: number): Job {
    const job = this.require(id);
    if (job.status !== 'running') return job;
    if (job.wanted === 'cancel') return this.#end(job);
    return this.#become(job, job.wanted === 'pause' ? 'paused' : 'queued');
  }

  settleAll(): number {
    const ids = this.#running.all() as number[];
    for (const id of ids) this.settle(id);
    return ids.length;
  }

  #become(job: Job, status: 'queued' | 'paused'): Job {
    const progress = atRest(job.progress);
    return this.update(job.id, {
      status,
      progress,
      error: null,
      endedAt: null,
      lastEvent: job.lastEvent + 1,
    });
  }

  #end(job: Job): Job {
    const progress = atRest(job.progress);
    const endedAt = new Date().toISOString();
    // Two: that of the last state, and that of the end.
    return this.update(job.id, {
      status: 'cancelled',
      progress,
      error: null,
      endedAt,
      lastEvent: job.lastEvent + 2,
    });
  }

  #toJob(row: JobRow): Job {
    return {
      id: row.id,
      request: withPath(JSON.parse(row.requestJson), (path) => this.#paths.fromStored(path)),
      status: row.status,
      wanted: row.wanted,
      // Rows of older versions lack what was added since.
      progress: { ...NO_PROGRESS, ...JSON.parse(row.progressJson) },
      lastEvent: row.lastEvent,
      error: row.errorJson === null ? null : JSON.parse(row.errorJson),
      createdAt: row.createdAt,
      startedAt: row.startedAt,
      endedAt: row.endedAt,
    };
  }
}

function notFound(id: number): CliptraceError {
  return new CliptraceError('JOB_NOT_FOUND', `There is no job ${id}: list the jobs to see which there are.`, {
    details: { jobId: id },
  });
}

/** An upload lies in the data folder; what is asked to be indexed never does. */
function withPath(request: JobRequest, change: (path: string) => string): JobRequest {
  return request.type === 'upload' ? { ...request, path: change(request.path) } : request;
}
