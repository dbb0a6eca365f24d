import type { Statement } from 'better-sqlite3';
import { decodeCursor, encodeCursor } from './cursor.js';
import type { SqliteDatabase } from './database.js';
import type { StoredPaths } from './stored-paths.js';
import { decodeEmbedding, encodeEmbedding } from './watch-embedding-blob.js';
import type { ClipWatch, Page, WatchEmbedding, WatchInput, WatchSource, WatchStatus } from './watch-types.js';

type WatchRow = Omit<ClipWatch, 'source'> & { sourceJson: string };

interface ListParameters {
  beforeId: number | null;
  /** JSON list. */
  collections: string | null;
  limit: number;
}

const SELECT = `SELECT w.id, w.name, w.collection, w.threshold, w.url, w.secret, w.previous_secret AS previousSecret,
  w.previous_secret_until AS previousSecretUntil, w.status, w.status_code AS statusCode, w.source_json AS sourceJson,
  w.matched_through AS matchedThrough, w.created_at AS createdAt, w.updated_at AS updatedAt, e.model_id AS modelId
  FROM watches w JOIN watch_embeddings e ON e.watch_id = w.id`;

/** Clips that are watched for, and what the encoder made of them. */
export class WatchesTable {
  readonly #paths: StoredPaths;
  readonly #insert: Statement<unknown[]>;
  readonly #get: Statement<[number]>;
  readonly #list: Statement<[ListParameters]>;
  readonly #active: Statement<[]>;
  readonly #count: Statement<[]>;
  readonly #countByStatus: Statement<[]>;
  readonly #set: Statement<[Record<string, unknown>]>;
  readonly #setStatus: Statement<[Record<string, unknown>]>;
  readonly #setSecret: Statement<[Record<string, unknown>]>;
  readonly #remove: Statement<[number]>;
  readonly #clipPaths: Statement<[]>;
  readonly #advance: Statement<[{ sequence: number; ids: string }]>;
  readonly #getEmbedding: Statement<[number]>;
  readonly #putEmbedding: Statement<[number, string, string, Buffer]>;

  constructor(database: SqliteDatabase, paths: StoredPaths) {
    this.#paths = paths;
    this.#insert = database.prepare(
      `INSERT INTO watches (name, collection, threshold, url, secret, status, source_json, matched_through, created_at, updated_at)
       VALUES (?, ?, ?, ?, ?, 'active', ?, ?, ?, ?)`,
    );
    this.#get = database.prepare(`${SELECT} WHERE w.id = ?`);
    this.#list = database.prepare(
      `${SELECT} WHERE (@beforeId IS NULL OR w.id < @beforeId)
       AND (@collections IS NULL OR w.collection IN (SELECT value FROM json_each(@collections)))
       ORDER BY w.id DESC LIMIT @limit`,
    );
    this.#active = database.prepare(`${SELECT} WHERE w.status = 'active' ORDER BY w.id`);
    this.#count = database.prepare<[]>('SELECT count(*) FROM watches').pluck();
    this.#countByStatus = database.prepare(
      `SELECT count(*) FILTER (WHERE status = 'active') AS active, count(*) FILTER (WHERE status = 'paused') AS paused,
       count(*) FILTER (WHERE status = 'disabled') AS disabled FROM watches`,
    );
    this.#set = database.prepare(
      `UPDATE watches SET name = coalesce(@name, name), threshold = coalesce(@threshold, threshold),
       url = coalesce(@url, url), updated_at = @now WHERE id = @id`,
    );
    this.#setStatus = database.prepare(
      `UPDATE watches SET status = @status, status_code = @statusCode,
       matched_through = coalesce(@matchedThrough, matched_through), updated_at = @now WHERE id = @id`,
    );
    this.#setSecret = database.prepare(
      `UPDATE watches SET previous_secret = secret, previous_secret_until = @previousUntil, secret = @secret,
       updated_at = @now WHERE id = @id`,
    );
    this.#remove = database.prepare('DELETE FROM watches WHERE id = ?');
    this.#clipPaths = database
      .prepare<[]>("SELECT source_json ->> '$.path' FROM watches WHERE source_json ->> '$.kind' = 'clip'")
      .pluck();
    this.#advance = database.prepare(
      `UPDATE watches SET matched_through = @sequence
       WHERE id IN (SELECT value FROM json_each(@ids)) AND matched_through < @sequence`,
    );
    this.#getEmbedding = database.prepare(
      'SELECT model_id AS modelId, layout_json AS layoutJson, features FROM watch_embeddings WHERE watch_id = ?',
    );
    this.#putEmbedding = database.prepare('INSERT OR REPLACE INTO watch_embeddings VALUES (?, ?, ?, ?)');
  }

  insert(watch: WatchInput, embedding: WatchEmbedding, matchedThrough: number): ClipWatch {
    const { name, collection, threshold, url, secret, source } = watch;
    const sourceJson = JSON.stringify(this.#stored(source));
    const now = new Date().toISOString();
    const values = [name, collection, threshold, url, secret, sourceJson, matchedThrough, now, now];
    const id = Number(this.#insert.run(...values).lastInsertRowid);
    this.putEmbedding(id, embedding);
    return this.get(id) as ClipWatch;
  }

  get(id: number): ClipWatch | null {
    const row = this.#get.get(id) as WatchRow | undefined;
    return row === undefined ? null : this.#toWatch(row);
  }

  list(
    limit: number,
    cursor: string | undefined,
    collections: readonly string[] | undefined,
  ): Page<ClipWatch> {
    const rows = this.#list.all({
      beforeId: cursor === undefined ? null : decodeCursor(cursor),
      collections: collections === undefined ? null : JSON.stringify(collections),
      // One more than asked tells whether there is a next page.
      limit: limit + 1,
    }) as WatchRow[];
    const items = rows.slice(0, limit).map((row) => this.#toWatch(row));
    const last = items.at(-1);
    return { items, nextCursor: rows.length > limit && last !== undefined ? encodeCursor(last.id) : null };
  }

  active(): ClipWatch[] {
    return (this.#active.all() as WatchRow[]).map((row) => this.#toWatch(row));
  }

  count(): number {
    return this.#count.get() as number;
  }

  countByStatus(): Record<WatchStatus, number> {
    return this.#countByStatus.get() as Record<WatchStatus, number>;
  }

  change(id: number, { name, threshold, url }: Partial<WatchInput>): void {
    this.#set.run({
      ...{ id, name: name ?? null, threshold: threshold ?? null, url: url ?? null },
      now: new Date().toISOString(),
    });
  }

  /** `matchedThrough` null: as it is. */
  setStatus(
    id: number,
    status: WatchStatus,
    statusCode: string | null,
    matchedThrough: number | null = null,
  ): void {
    this.#setStatus.run({ id, status, statusCode, matchedThrough, now: new Date().toISOString() });
  }

  setSecret(id: number, secret: string, previousUntil: string): void {
    this.#setSecret.run({ id, secret, previousUntil, now: new Date().toISOString() });
  }

  remove(id: number): void {
    this.#remove.run(id);
  }

  advance(ids: readonly number[], sequence: number): void {
    this.#advance.run({ sequence, ids: JSON.stringify(ids) });
  }

  clipPaths(): string[] {
    return (this.#clipPaths.all() as string[]).map((path) => this.#paths.fromStored(path));
  }

  embeddingOf(id: number): WatchEmbedding | null {
    const row = this.#getEmbedding.get(id) as
      | { modelId: string; layoutJson: string; features: Buffer }
      | undefined;
    return row === undefined ? null : { modelId: row.modelId, query: decodeEmbedding(row) };
  }

  putEmbedding(id: number, { modelId, query }: WatchEmbedding): void {
    const { layoutJson, features } = encodeEmbedding(query);
    this.#putEmbedding.run(id, modelId, layoutJson, features);
  }

  #toWatch({ sourceJson, ...row }: WatchRow): ClipWatch {
    const source = JSON.parse(sourceJson) as WatchSource;
    return {
      ...row,
      source: source.kind === 'clip' ? { ...source, path: this.#paths.fromStored(source.path) } : source,
    };
  }

  #stored(source: WatchSource): WatchSource {
    return source.kind === 'clip' ? { ...source, path: this.#paths.toStored(source.path) } : source;
  }
}
