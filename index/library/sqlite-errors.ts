import Database from 'better-sqlite3';
import { CliptraceError, type ErrorCode } from '../errors.js';

interface Explanation {
  code: ErrorCode;
  remedy: string;
}

const DAMAGED: Explanation = {
  code: 'LIBRARY_DAMAGED',
  remedy:
    'Run `cliptrace doctor`; restore the file from a backup, or move it away and index again (uploads stay in `media`).',
};
const NOT_WRITABLE: Explanation = {
  code: 'DATA_FOLDER_NOT_WRITABLE',
  remedy:
    'Check the owner, the permissions and the mount of the data folder; whoever only reads must be able to write, too.',
};

/** SQLite's primary result codes that a user can do something about. */
const EXPLANATIONS: Record<string, Explanation> = {
  SQLITE_FULL: { code: 'DISK_FULL', remedy: 'Free some space; nothing was half-written.' },
  SQLITE_CORRUPT: DAMAGED,
  SQLITE_NOTADB: DAMAGED,
  SQLITE_READONLY: NOT_WRITABLE,
  SQLITE_CANTOPEN: NOT_WRITABLE,
  SQLITE_PERM: NOT_WRITABLE,
  SQLITE_BUSY: {
    code: 'DATA_FOLDER_IN_USE',
    remedy: 'Another process is writing to it for long; try again, or stop that process.',
  },
};

/** What a failure of SQLite means to the user; any other value is returned as it is. */
export function explainSqliteError(error: unknown, file: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  const explanation = explanationOf(error.code);
  if (explanation === undefined) {
    return new CliptraceError('INTERNAL', `The library ${file} failed: ${error.message} (${error.code}).`, {
      cause: error,
      details: { file, sqliteCode: error.code },
    });
  }
  return new CliptraceError(
    explanation.code,
    `${file}: ${error.message} (${error.code}). ${explanation.remedy}`,
    {
      cause: error,
      details: { file, sqliteCode: error.code },
    },
  );
}

/** Runs `work` and throws what its SQLite errors mean. */
export function explaining<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explainSqliteError(error, file);
  }
}

function explanationOf(sqliteCode: string): Explanation | undefined {
  // A full disk shows as an I/O error while the log or its shared memory grows.
  if (sqliteCode === 'SQLITE_IOERR_SHMSIZE') return EXPLANATIONS.SQLITE_FULL;
  const primary = sqliteCode.split('_').slice(0, 2).join('_');
  return EXPLANATIONS[primary];
}
