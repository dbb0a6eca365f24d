import { checkDatabase, type SqliteDatabase } from '../library/database.js';
import type { Problem } from './types.js';

export const RESTORE = 'Restore the data folder from a backup, or move it away and index again.';

/** What SQLite itself finds wrong with the file. */
export function checkIntegrity(database: SqliteDatabase): Problem[] {
  const messages = checkDatabase(database, true);
  // An index of SQLite's is made from its table; a table is made from nothing.
  const indexesOnly = messages.every((message) => isOfIndexes(database, message));
  return messages.map((detail) => ({
    code: 'DATABASE_DAMAGED',
    subject: 'library.sqlite',
    detail,
    repair: indexesOnly ? { kind: 'rebuild-database-indexes' } : null,
    remedy: RESTORE,
  }));
}

/** A message may have several lines, of which some name a page only: whose that is, the file tells. */
function isOfIndexes(database: SqliteDatabase, message: string): boolean {
  const lines = message.split('\n').filter((line) => line !== '' && !line.startsWith('***'));
  return lines.every((line) => {
    if (/\bindex\b/i.test(line)) return true;
    const page = /\bpage (\d+)/.exec(line)?.[1];
    return page !== undefined && isIndexPage(database, Number(page));
  });
}

function isIndexPage(database: SqliteDatabase, page: number): boolean {
  try {
    const owners = database
      .prepare(
        `SELECT DISTINCT s.type FROM dbstat d LEFT JOIN sqlite_schema s ON s.name = d.name WHERE d.pageno = ?`,
      )
      .pluck()
      .all(page);
    return owners.length === 1 && owners[0] === 'index';
  } catch {
    // Too damaged to be walked through.
    return false;
  }
}
