import type { SqliteDatabase } from '../library/database.js';
import { findSpoiltRecords } from '../library/json-records.js';
import type { Problem } from './types.js';

/** Rows of JSON that cannot be read. Before all that reads them. */
export function checkRecords(database: SqliteDatabase): Problem[] {
  return findSpoiltRecords(database).map(({ table, column, key, detail }) => ({
    code: 'RECORD_UNREADABLE',
    subject: `${table} ${key.join('/')}`,
    detail: `${column}: ${detail}`,
    repair: { kind: 'mend-record', table, column, key },
    remedy: '',
  }));
}
