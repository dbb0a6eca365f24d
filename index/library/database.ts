import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { CliptraceError } from '../errors.js';
import { explaining } from './sqlite-errors.js';

export type SqliteDatabase = Database.Database;

/** 'Clip' in ASCII: SQLite keeps it in the header, so that another program's file is not taken for a library. */
const APPLICATION_ID = 0x436c6970;

export interface DatabaseOptions {
  readonly: boolean;
  /** Refuses a missing file, as `readonly` always does. */
  mustExist?: boolean;
  /** How long a statement waits for another process's transaction. */
  busyTimeoutMs?: number;
}

/**
 * Opens the library file. `readonly` and `mustExist` refuse a missing file with LIBRARY_NOT_FOUND; otherwise it is created.
 * Throws LIBRARY_DAMAGED for a file that is no library, DATA_FOLDER_NOT_WRITABLE, DISK_FULL.
 */
export function openDatabase(file: string, options: DatabaseOptions): SqliteDatabase {
  if ((options.readonly || options.mustExist) && !existsSync(file)) {
    throw new CliptraceError(
      'LIBRARY_NOT_FOUND',
      `There is no library at ${file}. Index some videos first, or give another data folder.`,
      { details: { file } },
    );
  }
  return explaining(file, () => {
    const database = new Database(file, {
      readonly: options.readonly,
      timeout: options.busyTimeoutMs ?? 5000,
    });
    try {
      checkApplication(database, file);
      configure(database, options.readonly);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

function checkApplication(database: SqliteDatabase, file: string): void {
  const applicationId = database.pragma('application_id', { simple: true });
  if (applicationId === APPLICATION_ID) return;
  const tables = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get();
  if (applicationId === 0 && tables === 0) return;
  throw new CliptraceError(
    'LIBRARY_DAMAGED',
    `${file} is an SQLite database, but not one of Cliptrace (application id ${applicationId}). Give another data folder.`,
    { details: { file } },
  );
}

function configure(database: SqliteDatabase, readonly: boolean): void {
  database.pragma('foreign_keys = ON');
  database.pragma('cache_size = -32768');
  if (readonly) return;
  if (database.pragma('application_id', { simple: true }) !== APPLICATION_ID) {
    // Before the first page is written: a row of features is two kilobytes and wastes half of a 4 KiB page.
    database.pragma('page_size = 16384');
    database.pragma(`application_id = ${APPLICATION_ID}`);
  }
  // Readers go on while a writer writes.
  database.pragma('journal_mode = WAL');
  // A video that was reported as finished survives a power cut; with NORMAL the last commits may not.
  database.pragma('synchronous = FULL');
}

/** What SQLite finds wrong with the file; empty when it is sound. `thorough` also compares indexes with their tables. */
export function checkDatabase(database: SqliteDatabase, thorough = false): string[] {
  const rows = database.pragma(thorough ? 'integrity_check(20)' : 'quick_check(20)') as Record<
    string,
    string
  >[];
  const messages = rows.flatMap((row) => Object.values(row));
  return messages.length === 1 && messages[0] === 'ok' ? [] : messages;
}

export function sqliteVersion(database: SqliteDatabase): string {
  return database.prepare('SELECT sqlite_version()').pluck().get() as string;
}
