import type { z } from 'zod';
import type { SqliteDatabase } from './database.js';
import * as shapes from './record-shapes.js';
import { faultOfJson } from './record-shapes.js';
import { readableRequest, readableSource } from './salvaged-records.js';

export interface RecordFault {
  table: string;
  column: string;
  /** Values of the primary key. */
  key: number[];
  detail: string;
}

/** A column of JSON, and what becomes of a row in which it cannot be read. */
interface JsonColumn {
  table: string;
  column: string;
  key: readonly string[];
  shape: z.ZodType;
  mend(database: SqliteDatabase, key: readonly number[]): void;
}

const SPOILT_JOB = JSON.stringify({
  code: 'LIBRARY_DAMAGED',
  message:
    'What this job was asked could not be read from the library any more. Ask for it again; an upload that is still there can be resumed.',
});
const SPOILT_ERROR = JSON.stringify({
  code: 'LIBRARY_DAMAGED',
  message: 'Why this job failed could not be read from the library any more.',
});

const COLUMNS: readonly JsonColumn[] = [
  { table: 'jobs', column: 'request_json', key: ['id'], shape: shapes.JOB_REQUEST, mend: failJob },
  {
    ...{ table: 'jobs', column: 'progress_json', key: ['id'], shape: shapes.JOB_PROGRESS },
    mend: running("UPDATE jobs SET progress_json = '{}' WHERE id = ?"),
  },
  {
    ...{ table: 'jobs', column: 'error_json', key: ['id'], shape: shapes.JOB_ERROR },
    mend: running(
      `UPDATE jobs SET error_json = iif(status = 'failed', '${SPOILT_ERROR}', NULL) WHERE id = ?`,
    ),
  },
  {
    ...{ table: 'job_results', column: 'result_json', key: ['job_id'], shape: shapes.JOB_RESULT },
    mend: running('DELETE FROM job_results WHERE job_id = ?'),
  },
  {
    ...{ table: 'evaluations', column: 'request_json', key: ['job_id'], shape: shapes.EVALUATION_PART },
    mend: running('DELETE FROM evaluations WHERE job_id = ?'),
  },
  ...['report_json', 'summary_json'].map((column) => ({
    ...{ table: 'evaluations', column, key: ['job_id'], shape: shapes.EVALUATION_PART },
    mend: running('UPDATE evaluations SET report_json = NULL, summary_json = NULL WHERE job_id = ?'),
  })),
  {
    ...{ table: 'calibrations', column: 'calibration_json', shape: shapes.CALIBRATION },
    key: ['collection_id', 'model_key'],
    mend: running('DELETE FROM calibrations WHERE collection_id = ? AND model_key = ?'),
  },
  {
    ...{ table: 'boilerplate_reports', column: 'report_json', shape: shapes.BOILERPLATE_REPORT },
    key: ['collection_id', 'model_key'],
    mend: running('DELETE FROM boilerplate_reports WHERE collection_id = ? AND model_key = ?'),
  },
  {
    // Every start writes that of its model.
    ...{ table: 'models', column: 'manifest_json', key: ['key'], shape: shapes.MANIFEST },
    mend: running("UPDATE models SET manifest_json = '{}' WHERE key = ?"),
  },
  // Nobody may guess what a key is good for.
  {
    ...{ table: 'api_keys', column: 'scopes_json', key: ['id'], shape: shapes.KEY_SCOPES },
    mend: running(revoking('scopes_json')),
  },
  {
    ...{ table: 'api_keys', column: 'collections_json', key: ['id'], shape: shapes.KEY_COLLECTIONS },
    mend: running(revoking('collections_json')),
  },
  { table: 'watches', column: 'source_json', key: ['id'], shape: shapes.WATCH_SOURCE, mend: mendSource },
];

/** Rows whose JSON is none, or lacks what their readers need. */
export function findSpoiltRecords(database: SqliteDatabase): RecordFault[] {
  return COLUMNS.flatMap((known) => faultsOf(database, known));
}

function faultsOf(database: SqliteDatabase, { table, column, key, shape }: JsonColumn): RecordFault[] {
  const rows = database
    .prepare(`SELECT ${key.join(', ')}, ${column} FROM ${table} WHERE ${column} IS NOT NULL`)
    .raw()
    .iterate() as IterableIterator<(number | string)[]>;
  const faults: RecordFault[] = [];
  for (const row of rows) {
    const detail = faultOfJson(row.at(-1) as string, shape);
    if (detail !== null) faults.push({ table, column, key: row.slice(0, -1) as number[], detail });
  }
  return faults;
}

/** Makes the row readable again; what cannot be known is given up. Run in a transaction. */
export function mendRecord(
  database: SqliteDatabase,
  { table, column, key }: Omit<RecordFault, 'detail'>,
): void {
  COLUMNS.find((known) => known.table === table && known.column === column)?.mend(database, key);
}

function running(sql: string): JsonColumn['mend'] {
  return (database, key) => database.prepare(sql).run(...key);
}

function revoking(column: string): string {
  return `UPDATE api_keys SET ${column} = '[]', revoked_at = coalesce(revoked_at, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) WHERE id = ?`;
}

/** A job that was still to come cannot run; one that has ended stays what it was. */
function failJob(database: SqliteDatabase, [id]: readonly number[]): void {
  const text = database.prepare('SELECT request_json FROM jobs WHERE id = ?').pluck().get(id) as string;
  database
    .prepare('UPDATE jobs SET request_json = ? WHERE id = ?')
    .run(JSON.stringify(readableRequest(text)), id);
  database
    .prepare(
      `UPDATE jobs SET status = 'failed', wanted = NULL, error_json = ?, last_event = last_event + 2, ended_at = ?
       WHERE id = ? AND status IN ('queued', 'running', 'paused')`,
    )
    .run(SPOILT_JOB, new Date().toISOString(), id);
}

function mendSource(database: SqliteDatabase, [id]: readonly number[]): void {
  const text = database.prepare('SELECT source_json FROM watches WHERE id = ?').pluck().get(id) as string;
  database
    .prepare('UPDATE watches SET source_json = ? WHERE id = ?')
    .run(JSON.stringify(readableSource(text)), id);
}
