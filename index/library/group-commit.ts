import type { SqliteDatabase } from './database.js';

interface Waiting<T> {
  work: () => unknown;
  resolve: (result: T) => void;
  reject: (error: unknown) => void;
}

/** Long enough for the files of one ffmpeg process to come together, too short to be noticed. */
const GATHER_MS = 5;

/**
 * Writes that come at nearly the same time share a transaction, and with it the wait for the disk, which for a short video is the larger part of
 * what it costs. Each is done or undone by itself, and none is told of before all of them are on disk.
 */
export class GroupCommit {
  readonly #database: SqliteDatabase;
  readonly #explaining: <T>(work: () => T) => T;
  // biome-ignore lint/suspicious/noExplicitAny: each write has a result of its own.
  readonly #waiting: Waiting<any>[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(database: SqliteDatabase, explaining: <T>(work: () => T) => T) {
    this.#database = database;
    this.#explaining = explaining;
  }

  write<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve, reject });
      this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
    });
  }

  /** At once, for who closes the database. */
  flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const group = this.#waiting.splice(0);
    if (group.length === 0) return;
    try {
      for (const settle of this.#explaining(() =>
        this.#database.transaction(() => this.#each(group)).immediate(),
      )) {
        settle();
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  /** How to tell each of its result, once that is on disk. */
  #each(group: readonly Waiting<unknown>[]): (() => void)[] {
    return group.map(({ work, resolve, reject }) => {
      try {
        // A transaction within another one is a savepoint.
        const result = this.#explaining(() => this.#database.transaction(work)());
        return () => resolve(result);
      } catch (error) {
        // A full disk, for one, undoes the whole transaction.
        if (!this.#database.inTransaction) throw error;
        return () => reject(error);
      }
    });
  }
}
