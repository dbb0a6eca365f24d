import type { Statement } from 'better-sqlite3';
import { CliptraceError } from '../errors.js';
import type { SqliteDatabase } from './database.js';
import type { Collection } from './types.js';

export class CollectionsTable {
  readonly #find: Statement<[string]>;
  readonly #insert: Statement<[string]>;
  readonly #list: Statement<[]>;
  readonly #removeEmpty: Statement<[number]>;

  constructor(database: SqliteDatabase) {
    this.#find = database.prepare<[string]>('SELECT id FROM collections WHERE name = ?').pluck();
    this.#insert = database.prepare('INSERT INTO collections (name) VALUES (?)');
    this.#list = database.prepare(
      `SELECT c.id, c.name, (SELECT count(*) FROM videos v WHERE v.collection_id = c.id) AS videoCount
       FROM collections c ORDER BY c.name`,
    );
    this.#removeEmpty = database.prepare(
      `DELETE FROM collections WHERE id = ?
       AND NOT EXISTS (SELECT 1 FROM videos WHERE collection_id = collections.id)`,
    );
  }

  find(name: string): number | null {
    return (this.#find.get(name) as number | undefined) ?? null;
  }

  /** COLLECTION_NOT_FOUND. */
  require(name: string): number {
    const id = this.find(name);
    if (id !== null) return id;
    throw new CliptraceError('COLLECTION_NOT_FOUND', `There is no collection ${name}.`);
  }

  findOrCreate(name: string): number {
    return this.find(name) ?? Number(this.#insert.run(name).lastInsertRowid);
  }

  list(): Collection[] {
    return this.#list.all() as Collection[];
  }

  /** A collection lives as long as it has videos. */
  removeIfEmpty(id: number): void {
    this.#removeEmpty.run(id);
  }
}
