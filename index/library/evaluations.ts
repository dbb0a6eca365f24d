import type { Statement } from 'better-sqlite3';
import type {
  EvaluationReport,
  EvaluationRequest,
  EvaluationSummary,
  StoredEvaluation,
} from '../evaluation/types.js';
import type { SqliteDatabase } from './database.js';

interface EvaluationRow {
  id: number;
  requestJson: string;
  reportJson: string | null;
}

/** What the jobs of type `evaluate` were asked and found. */
export class EvaluationsTable {
  readonly #insert: Statement<[number, string]>;
  readonly #get: Statement<[number]>;
  readonly #list: Statement<[{ limit: number; collections: string | null }]>;
  readonly #finish: Statement<[string, string, number]>;

  constructor(database: SqliteDatabase) {
    this.#insert = database.prepare('INSERT INTO evaluations (job_id, request_json) VALUES (?, ?)');
    this.#get = database.prepare(
      'SELECT job_id AS id, request_json AS requestJson, report_json AS reportJson FROM evaluations WHERE job_id = ?',
    );
    this.#list = database.prepare(
      `SELECT e.job_id AS id, e.summary_json AS summaryJson FROM evaluations e JOIN jobs j ON j.id = e.job_id
       WHERE @collections IS NULL OR j.request_json ->> '$.collection' IN (SELECT value FROM json_each(@collections))
       ORDER BY e.job_id DESC LIMIT @limit`,
    );
    this.#finish = database.prepare(
      'UPDATE evaluations SET report_json = ?, summary_json = ? WHERE job_id = ?',
    );
  }

  create(jobId: number, request: EvaluationRequest): void {
    this.#insert.run(jobId, JSON.stringify(request));
  }

  get(id: number): StoredEvaluation | null {
    const row = this.#get.get(id) as EvaluationRow | undefined;
    if (row === undefined) return null;
    const { requestJson, reportJson } = row;
    return {
      id,
      request: JSON.parse(requestJson),
      report: reportJson === null ? null : JSON.parse(reportJson),
    };
  }

  list(
    limit: number,
    collections: readonly string[] | null,
  ): { id: number; summary: EvaluationSummary | null }[] {
    const wanted = collections === null ? null : JSON.stringify(collections);
    const rows = this.#list.all({ limit, collections: wanted }) as {
      id: number;
      summaryJson: string | null;
    }[];
    return rows.map(({ id, summaryJson }) => ({
      id,
      summary: summaryJson === null ? null : JSON.parse(summaryJson),
    }));
  }

  finish(id: number, report: EvaluationReport, summary: EvaluationSummary): void {
    this.#finish.run(JSON.stringify(report), JSON.stringify(summary), id);
  }
}
