import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { explainSqliteError } from '../library/sqlite-errors.js';

const LOCK = 'lock.part';
/** What follows the target's name and a random mark: the files that a backup in the making has, beside its lock. */
const ENDINGS = ['part', 'library.part', 'library.part-wal', 'library.part-shm', 'library.part-journal'];
const MARK = /^[0-9a-f]{8}$/;
const ATTEMPTS = 5;

/**
 * The files beside a backup while it is made. A lock of SQLite's says that its process lives: the system drops it with the
 * process, wherever that runs, so what a killed one left can be told from what another one still writes.
 */
export class PartFiles {
  readonly backup: string;
  readonly library: string;
  readonly #stem: string;
  readonly #lock: Database.Database;

  private constructor(stem: string, lock: Database.Database) {
    this.#stem = stem;
    this.#lock = lock;
    this.backup = `${stem}.part`;
    this.library = `${stem}.library.part`;
  }

  /** Before any other file is there. */
  static claim(target: string): PartFiles {
    for (let attempt = 1; ; attempt += 1) {
      const stem = `${target}.${randomBytes(4).toString('hex')}`;
      const lock = lockFile(`${stem}.${LOCK}`);
      // Somebody who removes leftovers may have come between the file and its lock.
      if (lock !== null && existsSync(`${stem}.${LOCK}`)) return new PartFiles(stem, lock);
      lock?.close();
      if (attempt === ATTEMPTS) throw new Error(`${stem}.${LOCK} cannot be locked`);
    }
  }

  async remove(): Promise<void> {
    await removeAll(this.#stem, this.#lock);
  }
}

/** Removes what killed backups to this target left; what cannot be removed, another user's say, stays. */
export async function removeLeftovers(target: string): Promise<void> {
  for (const stem of await begun(target)) {
    try {
      const lock = lockFile(`${stem}.${LOCK}`);
      if (lock !== null) await removeAll(stem, lock);
    } catch {
      // It costs room, and nothing else.
    }
  }
}

/** Backups to this target that were begun and not ended, by their lock files. */
async function begun(target: string): Promise<string[]> {
  const start = `${basename(target)}.`;
  return (await readdir(dirname(target)))
    .filter((name) => name.startsWith(start) && name.endsWith(`.${LOCK}`))
    .map((name) => name.slice(0, -LOCK.length - 1))
    .filter((stem) => MARK.test(stem.slice(start.length)))
    .map((stem) => join(dirname(target), stem));
}

/** The lock last: what it stands for would else be nobody's when this is killed. */
async function removeAll(stem: string, lock: Database.Database): Promise<void> {
  try {
    for (const ending of ENDINGS) await rm(`${stem}.${ending}`, { force: true });
  } finally {
    // Windows deletes no open file.
    lock.close();
  }
  await rm(`${stem}.${LOCK}`, { force: true });
}

/** Null when another connection holds it. */
function lockFile(path: string): Database.Database | null {
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { timeout: 0 });
    // No journal file beside the lock, and no waiting for a disk.
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return null;
    throw explainSqliteError(error, path);
  }
}
