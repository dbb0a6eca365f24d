import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename } from 'node:path';
import Database from 'better-sqlite3';
import { CliptraceError } from '../errors.js';
import { explainWriteError } from '../storage-errors.js';
import type { DataFolder } from '../types.js';
import { explainSqliteError } from './sqlite-errors.js';

export interface LockHolder {
  pid: number;
  command: string;
  host: string;
  since: string;
}

export interface FolderLock {
  release(): void;
}

/**
 * Makes this process the only writer of the data folder until `release` or the end of the process, however it ends.
 * Throws DATA_FOLDER_IN_USE with the holder in `details`, and DATA_FOLDER_NOT_WRITABLE, where SQLite would still give the lock.
 *
 * The lock is SQLite's own on a file of its own: it lies on the file, not in it, so the system drops it with the
 * process and nothing stale is ever left. Nobody else in this process may open the file: closing any descriptor of it
 * drops POSIX locks.
 */
export function lockDataFolder(folder: DataFolder): FolderLock {
  let database: Database.Database | undefined;
  try {
    database = new Database(folder.lockFile, { timeout: 0 });
    // No journal file beside the lock, and no waiting for a disk.
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
    accessSync(folder.root, constants.W_OK | constants.X_OK);
  } catch (error) {
    database?.close();
    throw explainLockError(folder, error);
  }
  const held = database;
  writeHolder(folder);
  return {
    release: () => {
      if (!held.open) return;
      try {
        rmSync(holderFile(folder), { force: true });
      } catch {
        // The disk may have become read-only: the lock goes all the same.
      }
      held.close();
    },
  };
}

/** Whether a process, this one included, writes to the data folder at this moment. Holds up nobody. */
export function folderIsHeld(folder: DataFolder): boolean {
  if (!existsSync(folder.lockFile)) return false;
  const database = new Database(folder.lockFile, { readonly: true, timeout: 0 });
  try {
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    return false;
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return true;
    throw error;
  } finally {
    database.close();
  }
}

function explainLockError(folder: DataFolder, error: unknown): unknown {
  if (!(error instanceof Database.SqliteError) || !error.code.startsWith('SQLITE_BUSY')) {
    return explainWriteError(explainSqliteError(error, folder.lockFile), `The data folder ${folder.root}`);
  }
  const holder = readHolder(folder);
  const who =
    holder === null ? 'another process' : `process ${holder.pid} (${holder.command}, since ${holder.since})`;
  return new CliptraceError(
    'DATA_FOLDER_IN_USE',
    `The data folder ${folder.root} is being written by ${who}. Stop it, use its HTTP interface, or give another folder.`,
    { cause: error, details: { root: folder.root, holder } },
  );
}

// Information for people only: it may be stale, the lock itself never is.
function holderFile(folder: DataFolder): string {
  return `${folder.lockFile}.json`;
}

function writeHolder(folder: DataFolder): void {
  const [program, ...rest] = process.argv.slice(1);
  const holder: LockHolder = {
    pid: process.pid,
    command: [basename(program ?? process.title), ...rest].join(' ').slice(0, 200),
    host: hostname(),
    since: new Date().toISOString(),
  };
  try {
    writeFileSync(holderFile(folder), JSON.stringify(holder));
  } catch {
    // The lock holds without it.
  }
}

function readHolder(folder: DataFolder): LockHolder | null {
  try {
    return JSON.parse(readFileSync(holderFile(folder), 'utf8')) as LockHolder;
  } catch {
    return null;
  }
}
