import type { Statement } from 'better-sqlite3';
import { decodeCursor, encodeCursor } from './cursor.js';
import type { SqliteDatabase } from './database.js';
import { fold } from './folding.js';
import type { Video, VideoInput, VideoPage, VideoQuery } from './types.js';
import {
  VIDEO_FILTER,
  type VideoFilter,
  type VideoFilterParameters,
  videoFilterParameters,
} from './video-filter.js';

type VideoRow = Omit<Video, 'hasAudio' | 'damaged'> & { hasAudio: number; damaged: number };

type ListParameters = VideoFilterParameters & { q: string | null; beforeId: number | null; limit: number };

const SELECT = `SELECT v.id, c.name AS collection, v.title, v.label, v.content_hash AS contentHash,
  v.size_bytes AS sizeBytes, v.duration_seconds AS durationSeconds, v.width, v.height,
  v.frames_per_second AS framesPerSecond, v.codec, v.container, v.has_audio AS hasAudio, v.damaged,
  v.segment_count AS segmentCount, v.added_at AS addedAt, v.updated_at AS updatedAt
  FROM videos v JOIN collections c ON c.id = v.collection_id`;

// instr, not LIKE: % and _ of the user's text mean themselves.
const MATCHES = `${VIDEO_FILTER}
  AND (@q IS NULL OR instr(v.title_folded, @q) > 0
    OR EXISTS (SELECT 1 FROM files f WHERE f.video_id = v.id AND instr(f.name_folded, @q) > 0))`;

const COLUMNS = [
  'title',
  'title_folded',
  'label',
  'content_hash',
  'size_bytes',
  'duration_seconds',
  'width',
  'height',
  'frames_per_second',
  'codec',
  'container',
  'has_audio',
  'damaged',
  'segment_count',
  'updated_at',
];

export class VideosTable {
  readonly #get: Statement<[number]>;
  readonly #findMany: Statement<[string]>;
  readonly #findByContent: Statement<[number, string]>;
  readonly #unplaced: Statement<[string]>;
  readonly #insert: Statement<unknown[]>;
  readonly #update: Statement<unknown[]>;
  readonly #touch: Statement<[string, number]>;
  readonly #setTitle: Statement<[string, string, string, number]>;
  readonly #setLabel: Statement<[string | null, string, number]>;
  readonly #remove: Statement<[number]>;
  readonly #page: Statement<[ListParameters]>;
  readonly #count: Statement<[Omit<ListParameters, 'beforeId' | 'limit'>]>;
  readonly #countUpTo: Statement<[VideoFilterParameters & { atMost: number }]>;

  constructor(database: SqliteDatabase) {
    this.#get = database.prepare(`${SELECT} WHERE v.id = ?`);
    this.#findMany = database.prepare(`${SELECT} WHERE v.id IN (SELECT value FROM json_each(?))`);
    this.#findByContent = database
      .prepare<[number, string]>('SELECT id FROM videos WHERE collection_id = ? AND content_hash = ?')
      .pluck();
    this.#unplaced = database.prepare(
      `${SELECT} WHERE c.name = ? AND NOT EXISTS (SELECT 1 FROM files f WHERE f.video_id = v.id) ORDER BY v.id`,
    );
    this.#insert = database.prepare(
      `INSERT INTO videos (${COLUMNS.join(', ')}, collection_id, added_at)
       VALUES (${COLUMNS.map(() => '?').join(', ')}, ?, ?)`,
    );
    this.#update = database.prepare(
      `UPDATE videos SET ${COLUMNS.map((name) => `${name} = ?`).join(', ')} WHERE id = ?`,
    );
    this.#touch = database.prepare('UPDATE videos SET updated_at = ? WHERE id = ?');
    this.#setTitle = database.prepare(
      'UPDATE videos SET title = ?, title_folded = ?, updated_at = ? WHERE id = ?',
    );
    this.#setLabel = database.prepare('UPDATE videos SET label = ?, updated_at = ? WHERE id = ?');
    this.#remove = database.prepare('DELETE FROM videos WHERE id = ?');
    this.#page = database.prepare(
      `${SELECT} WHERE ${MATCHES} AND (@beforeId IS NULL OR v.id < @beforeId) ORDER BY v.id DESC LIMIT @limit`,
    );
    this.#count = database
      .prepare<[Omit<ListParameters, 'beforeId' | 'limit'>]>(`SELECT count(*) FROM videos v WHERE ${MATCHES}`)
      .pluck();
    this.#countUpTo = database
      .prepare<[VideoFilterParameters & { atMost: number }]>(
        `SELECT count(*) FROM (SELECT 1 FROM videos v WHERE ${VIDEO_FILTER} LIMIT @atMost)`,
      )
      .pluck();
  }

  get(id: number): Video | null {
    const row = this.#get.get(id) as VideoRow | undefined;
    return row === undefined ? null : toVideo(row);
  }

  findMany(ids: readonly number[]): Map<number, Video> {
    const rows = this.#findMany.all(JSON.stringify(ids)) as VideoRow[];
    return new Map(rows.map((row) => [row.id, toVideo(row)]));
  }

  findByContent(collectionId: number, contentHash: string): number | null {
    return (this.#findByContent.get(collectionId, contentHash) as number | undefined) ?? null;
  }

  /** That no file has. */
  unplaced(collection: string): Video[] {
    return (this.#unplaced.all(collection) as VideoRow[]).map(toVideo);
  }

  insert(collectionId: number, video: VideoInput, segmentCount: number): number {
    const now = new Date().toISOString();
    return Number(this.#insert.run(...values(video, segmentCount, now), collectionId, now).lastInsertRowid);
  }

  update(id: number, video: VideoInput, segmentCount: number): void {
    this.#update.run(...values(video, segmentCount, new Date().toISOString()), id);
  }

  touch(id: number): void {
    this.#touch.run(new Date().toISOString(), id);
  }

  change(id: number, change: { title?: string | undefined; label?: string | null | undefined }): void {
    const now = new Date().toISOString();
    if (change.title !== undefined) this.#setTitle.run(change.title, fold(change.title), now, id);
    if (change.label !== undefined) this.#setLabel.run(change.label, now, id);
  }

  remove(id: number): void {
    this.#remove.run(id);
  }

  count(filter: VideoFilter, atMost: number): number {
    return this.#countUpTo.get({ ...videoFilterParameters(filter), atMost }) as number;
  }

  /** Newest first. A video that comes or goes between two pages moves no other. */
  list(query: VideoQuery): VideoPage {
    const { limit } = query;
    const filter = videoFilterParameters(query);
    const q = query.q ? fold(query.q) : null;
    const beforeId = query.cursor === undefined ? null : decodeCursor(query.cursor);
    // One more than asked tells whether there is a next page.
    const rows = this.#page.all({ ...filter, q, beforeId, limit: limit + 1 }) as VideoRow[];
    const videos = rows.slice(0, limit).map(toVideo);
    const last = videos.at(-1);
    return {
      videos,
      nextCursor: rows.length > limit && last !== undefined ? encodeCursor(last.id) : null,
      totalCount: this.#count.get({ ...filter, q }) as number,
    };
  }
}

/** In the order of COLUMNS. */
function values(video: VideoInput, segmentCount: number, now: string): unknown[] {
  return [
    video.title,
    fold(video.title),
    video.label,
    video.contentHash,
    video.sizeBytes,
    video.durationSeconds,
    video.width,
    video.height,
    video.framesPerSecond,
    video.codec,
    video.container,
    Number(video.hasAudio),
    Number(video.damaged),
    segmentCount,
    now,
  ];
}

function toVideo(row: VideoRow): Video {
  return { ...row, hasAudio: row.hasAudio === 1, damaged: row.damaged === 1 };
}
