import type { Statement } from 'better-sqlite3';
import type { SqliteDatabase } from './database.js';
import type { Arrival } from './watch-types.js';

/** Videos whose content became searchable and has not been compared with every active watch. */
export class ArrivalsTable {
  readonly #add: Statement<[number, string]>;
  readonly #renew: Statement<[number]>;
  readonly #after: Statement<[{ after: number; limit: number; modelId: string }]>;
  readonly #last: Statement<[]>;
  readonly #forget: Statement<[{ modelId: string }]>;

  constructor(database: SqliteDatabase) {
    // Without anyone to tell, nothing is kept.
    this.#add = database.prepare(
      `INSERT OR REPLACE INTO arrivals (video_id, content_hash)
       SELECT ?, ? WHERE EXISTS (SELECT 1 FROM watches WHERE status = 'active')`,
    );
    this.#renew = database.prepare(
      'INSERT OR REPLACE INTO arrivals (video_id, content_hash) SELECT video_id, content_hash FROM arrivals WHERE video_id = ?',
    );
    this.#after = database.prepare(
      `SELECT a.sequence, a.video_id AS videoId, a.content_hash AS contentHash, c.name AS collection,
         v.segment_count AS segmentCount
       FROM arrivals a JOIN videos v ON v.id = a.video_id JOIN collections c ON c.id = v.collection_id
       WHERE a.sequence > @after AND EXISTS (SELECT 1 FROM segment_blocks b JOIN models m ON m.key = b.model_key
         WHERE b.video_id = a.video_id AND m.id = @modelId)
       ORDER BY a.sequence LIMIT @limit`,
    );
    this.#last = database.prepare<[]>("SELECT seq FROM sqlite_sequence WHERE name = 'arrivals'").pluck();
    // One of another model stays: it arrives anew when this model embeds it.
    this.#forget = database.prepare(
      `DELETE FROM arrivals
       WHERE sequence <= coalesce((SELECT min(matched_through) FROM watches WHERE status = 'active'), 9e15)
         AND EXISTS (SELECT 1 FROM segment_blocks b JOIN models m ON m.key = b.model_key
           WHERE b.video_id = arrivals.video_id AND m.id = @modelId)`,
    );
  }

  /** New content. */
  add(videoId: number, contentHash: string): void {
    this.#add.run(videoId, contentHash);
  }

  /** Content that waited for another model, and becomes searchable now. */
  renew(videoId: number): void {
    this.#renew.run(videoId);
  }

  after(after: number, limit: number, modelId: string): Arrival[] {
    return this.#after.all({ after, limit, modelId }) as Arrival[];
  }

  last(): number {
    return (this.#last.get() as number | undefined) ?? 0;
  }

  /** What every active watch has been compared with. */
  forget(modelId: string): void {
    this.#forget.run({ modelId });
  }
}
