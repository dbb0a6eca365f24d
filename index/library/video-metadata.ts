import type { Statement } from 'better-sqlite3';
import type { SqliteDatabase } from './database.js';
import type { VideoMetadata } from './types.js';

const NUMBER = /^-?\d+(\.\d+)?$/;

/** What was told of videos at ingest, by key. */
export class VideoMetadataTable {
  readonly #of: Statement<[string]>;
  readonly #put: Statement<[number, string, string, number | null]>;

  constructor(database: SqliteDatabase) {
    this.#of = database.prepare(
      `SELECT video_id AS videoId, key, text_value AS value FROM video_metadata
       WHERE video_id IN (SELECT value FROM json_each(?)) ORDER BY video_id, key`,
    );
    this.#put = database.prepare('INSERT OR REPLACE INTO video_metadata VALUES (?, ?, ?, ?)');
  }

  /** By video; videos without any are left out. */
  of(videoIds: readonly number[]): Map<number, VideoMetadata> {
    const found = new Map<number, VideoMetadata>();
    for (const row of this.#of.all(JSON.stringify(videoIds))) {
      const { videoId, key, value } = row as { videoId: number; key: string; value: string };
      found.set(videoId, { ...found.get(videoId), [key]: value });
    }
    return found;
  }

  /** Adds keys and replaces their values; other keys stay. */
  merge(videoId: number, metadata: VideoMetadata): void {
    for (const [key, value] of Object.entries(metadata)) {
      this.#put.run(videoId, key, value, NUMBER.test(value) ? Number(value) : null);
    }
  }
}
