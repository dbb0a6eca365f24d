import type { Statement } from 'better-sqlite3';
import type { SqliteDatabase } from './database.js';
import type { SegmentChange } from './types.js';

interface ChangeRow {
  sequence: number;
  segmentId: number;
  removed: number;
}

/** The log that triggers on `segments` write. */
export class ChangesTable {
  readonly #after: Statement<[number, number, number]>;
  readonly #last: Statement<[]>;
  readonly #mark: Statement<[number]>;

  constructor(database: SqliteDatabase) {
    this.#after = database.prepare(
      `SELECT sequence, segment_id AS segmentId, removed FROM segment_changes
       WHERE sequence > ? AND model_key = ? ORDER BY sequence LIMIT ?`,
    );
    this.#last = database.prepare<[]>('SELECT coalesce(max(sequence), 0) FROM segment_changes').pluck();
    this.#mark = database.prepare<[number]>('SELECT mark FROM segment_changes WHERE sequence = ?').pluck();
  }

  after(modelKey: number, sequence: number, limit: number): SegmentChange[] {
    const rows = this.#after.all(sequence, modelKey, limit) as ChangeRow[];
    return rows.map((row) => ({
      sequence: row.sequence,
      segmentId: row.segmentId,
      kind: row.removed === 1 ? 'removed' : 'added',
    }));
  }

  lastSequence(): number {
    return this.#last.get() as number;
  }

  mark(sequence: number): number | null {
    return (this.#mark.get(sequence) as number | undefined) ?? null;
  }
}
