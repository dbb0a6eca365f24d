import type { Statement } from 'better-sqlite3';
import type { SqliteDatabase } from './database.js';
import { rangeBelow } from './files.js';
import type { JobFile } from './types.js';

interface Asked {
  collection: string;
  root: string;
  start: string;
  end: string;
}

/** Files that failed when an index job of the collection last tried them. */
export class FailedFilesTable {
  readonly #put: Statement<[string, string]>;
  readonly #remove: Statement<[string, string]>;
  readonly #below: Statement<[Asked]>;

  constructor(database: SqliteDatabase) {
    this.#put = database.prepare('INSERT OR IGNORE INTO failed_files (collection, path) VALUES (?, ?)');
    this.#remove = database.prepare('DELETE FROM failed_files WHERE collection = ? AND path = ?');
    this.#below = database
      .prepare(
        `SELECT path FROM failed_files
         WHERE collection = @collection AND path >= @root AND path < @end AND (path = @root OR path >= @start)
         ORDER BY path`,
      )
      .pluck();
  }

  /** What an index job of the collection has just found of a file. */
  note(collection: string, { path, outcome }: Pick<JobFile, 'path' | 'outcome'>): void {
    if (outcome === 'failed') this.#put.run(collection, path);
    else this.#remove.run(collection, path);
  }

  below(collection: string, root: string): string[] {
    const [start, end] = rangeBelow(root);
    return this.#below.all({ collection, root, start, end }) as string[];
  }
}
