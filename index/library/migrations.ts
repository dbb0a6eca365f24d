import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliptraceError, errorMessageOf } from '../errors.js';
import type { SqliteDatabase } from './database.js';

export interface Migration {
  version: number;
  /** File name, e.g. 0001_library.sql. */
  name: string;
  sql: string;
  sha256: string;
}

interface AppliedMigration {
  version: number;
  name: string;
  sha256: string;
}

const FILE_NAME = /^(\d{4})_[a-z0-9_]+\.sql$/;

const ENDS_TRANSACTION = /^\s*(COMMIT|ROLLBACK|SAVEPOINT|RELEASE|END\s+TRANSACTION)\b/im;

const HISTORY_TABLE = `CREATE TABLE IF NOT EXISTS schema_migrations (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  sha256 TEXT NOT NULL,
  applied_at TEXT NOT NULL
) STRICT`;

/** `migrations/` of this package, from index/ (source) and from dist/index/ (build) alike. */
export function migrationsFolder(from = dirname(fileURLToPath(import.meta.url))): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'migrations');
    if (existsSync(join(folder, 'package.json')) && existsSync(candidate)) return candidate;
    if (dirname(folder) === folder) {
      throw new CliptraceError(
        'MIGRATION_HISTORY',
        `No migrations folder above ${from}: the installation is incomplete.`,
      );
    }
  }
}

/** The migrations of a folder, in order. MIGRATION_HISTORY when names are odd, doubled or leave a gap. */
export function readMigrations(folder: string): Migration[] {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  return names.map((name, position) => {
    const version = Number(FILE_NAME.exec(name)?.[1]);
    if (version !== position + 1) {
      throw new CliptraceError(
        'MIGRATION_HISTORY',
        `${name} in ${folder} should be migration ${position + 1}: names are 0001_what_it_does.sql, without gap or double.`,
        { details: { name } },
      );
    }
    // Line ends as git may have changed them are no alteration.
    const sql = readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n');
    return { version, name, sql, sha256: createHash('sha256').update(sql).digest('hex') };
  });
}

/** When the first migration was applied. */
export function createdAt(database: SqliteDatabase): Date {
  return new Date(database.prepare('SELECT min(applied_at) FROM schema_migrations').pluck().get() as string);
}

/**
 * Applies what is missing, each migration in its own transaction under SQLite's write lock, so that two processes
 * never apply one twice and a failed one leaves the library as it was. Returns the names applied.
 * Throws MIGRATION_HISTORY, LIBRARY_TOO_NEW, MIGRATION_FAILED.
 */
export function migrate(database: SqliteDatabase, folder: string = migrationsFolder()): string[] {
  const migrations = readMigrations(folder);
  const names: string[] = [];
  // Foreign keys can only be switched outside a transaction; a migration that rebuilds a table needs them off.
  database.pragma('foreign_keys = OFF');
  try {
    for (;;) {
      const name = applyNext(database, migrations);
      if (name === null) return names;
      names.push(name);
    }
  } finally {
    database.pragma('foreign_keys = ON');
  }
}

/** Throws unless exactly the migrations of the folder were applied: for readers, who cannot migrate. The newest of them. */
export function requireMigrated(
  database: SqliteDatabase,
  folder: string = migrationsFolder(),
): { version: number; name: string } {
  const applied = appliedMigrations(database);
  const newest = applied.at(-1);
  if (newest === undefined) {
    throw new CliptraceError(
      'LIBRARY_NOT_FOUND',
      `${database.name} holds no library yet. Index some videos first, or give another data folder.`,
      { details: { file: database.name } },
    );
  }
  const missing = pending(readMigrations(folder), applied)[0];
  if (missing !== undefined) {
    throw new CliptraceError(
      'MIGRATION_HISTORY',
      `The library was written by an older version: ${missing.name} is not applied. Run \`cliptrace migrate\`.`,
      { details: { name: missing.name } },
    );
  }
  return { version: newest.version, name: newest.name };
}

/** Throws LIBRARY_TOO_NEW and MIGRATION_HISTORY unless this version can open the library, or migrate it. */
export function requireKnownHistory(database: SqliteDatabase, folder: string = migrationsFolder()): void {
  pending(readMigrations(folder), appliedMigrations(database));
}

function applyNext(database: SqliteDatabase, migrations: readonly Migration[]): string | null {
  const step = database.transaction(() => {
    const next = pending(migrations, appliedMigrations(database))[0];
    if (next === undefined) return null;
    database.exec(HISTORY_TABLE);
    apply(database, next);
    return next.name;
  });
  // IMMEDIATE: the history is read and extended under one write lock.
  return step.immediate();
}

function apply(database: SqliteDatabase, migration: Migration): void {
  try {
    // Before it runs: what it did up to there could not be undone any more.
    if (ENDS_TRANSACTION.test(migration.sql)) throw new Error('a migration may not end its transaction');
    database.exec(migration.sql);
    const orphans = database.pragma('foreign_key_check') as unknown[];
    if (orphans.length > 0) throw new Error(`it leaves ${orphans.length} rows that refer to nothing`);
  } catch (error) {
    throw new CliptraceError(
      'MIGRATION_FAILED',
      `${migration.name} failed and was undone: ${errorMessageOf(error)}. The library is as it was before.`,
      { cause: error, details: { name: migration.name } },
    );
  }
  database
    .prepare('INSERT INTO schema_migrations (version, name, sha256, applied_at) VALUES (?, ?, ?, ?)')
    .run(migration.version, migration.name, migration.sha256, new Date().toISOString());
}

function appliedMigrations(database: SqliteDatabase): AppliedMigration[] {
  const exists = database
    .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'")
    .get();
  if (exists === undefined) return [];
  return database
    .prepare('SELECT version, name, sha256 FROM schema_migrations ORDER BY version')
    .all() as AppliedMigration[];
}

/** The migrations still to apply, after comparing history with files. */
function pending(migrations: readonly Migration[], applied: readonly AppliedMigration[]): Migration[] {
  const newest = applied.at(-1);
  const known = migrations.length;
  if (newest !== undefined && newest.version > known) {
    throw new CliptraceError(
      'LIBRARY_TOO_NEW',
      `The library knows ${newest.name}, this version of Cliptrace only ${known} migrations. Install the newer version.`,
      { details: { libraryVersion: newest.version, programVersion: known } },
    );
  }
  applied.forEach((row, position) => {
    checkApplied(row, position, migrations);
  });
  return migrations.slice(applied.length);
}

function checkApplied(row: AppliedMigration, position: number, migrations: readonly Migration[]): void {
  const file = migrations[position] as Migration;
  const problem =
    row.version !== file.version
      ? `${file.name} is missing from the library's history, though ${row.name} was applied`
      : row.name !== file.name
        ? `the library applied ${row.name} where this version has ${file.name}`
        : row.sha256 !== file.sha256
          ? `${file.name} was altered after it was applied`
          : null;
  if (problem === null) return;
  throw new CliptraceError(
    'MIGRATION_HISTORY',
    `The migration history does not match: ${problem}. Install the version that wrote this library.`,
    { details: { name: file.name, applied: row.name } },
  );
}
