import type { Statement } from 'better-sqlite3';
import { CliptraceError } from '../errors.js';
import type { Span } from '../span.js';
import type { SqliteDatabase } from './database.js';
import type { ModelRow } from './models.js';
import { type FilterParameters, filterParameters, NOT_EXCLUDED } from './segment-filter.js';
import type { Segment, SegmentFilter } from './types.js';
import { VIDEO_FILTER } from './video-filter.js';

/** hnswlib-node takes labels as 32-bit integers and wraps beyond. */
const MAXIMUM_SEGMENT_ID = 2 ** 32 - 1;

/**
 * How many rows one statement inserts at most: within a transaction SQLite first copies each page that a statement is about to change,
 * so that the statement can be undone alone, and did that for each segment.
 */
const MAX_ROWS = 64;

const EVERYWHERE: Span = { startSeconds: Number.NEGATIVE_INFINITY, endSeconds: Number.POSITIVE_INFINITY };

const COLUMNS = `s.id, s.video_id AS videoId, s.start_seconds AS startSeconds, s.end_seconds AS endSeconds,
  bp.kind AS boilerplate, coalesce(bp.weight, 1.0) AS weight`;
/** The same without names. */
type RawSegment = [number, number, number, number, Segment['boilerplate'], number];
const SEGMENTS = 'segments s LEFT JOIN boilerplate_segments bp ON bp.segment_id = s.id';

/** Where each segment lies in its video. Its features are in SegmentBlocksTable. */
export class SegmentsTable {
  readonly #lastId: Statement<[]>;
  readonly #database: SqliteDatabase;
  /** By the number of their rows. */
  readonly #inserts = new Map<number, Statement<number[]>>();
  readonly #removeOfVideo: Statement<[number]>;
  readonly #find: Statement<[string]>;
  readonly #allowed: Statement<[FilterParameters & { ids: string }]>;
  readonly #ofVideo: Statement<[number, number, number, number]>;
  readonly #placesOf: Statement<[number, number, number, number]>;

  constructor(database: SqliteDatabase) {
    this.#database = database;
    this.#lastId = database.prepare<[]>("SELECT seq FROM sqlite_sequence WHERE name = 'segments'").pluck();
    this.#removeOfVideo = database.prepare('DELETE FROM segments WHERE video_id = ?');
    // CROSS JOIN fixes the order; raw rows because a search looks up a thousand: together half of the time.
    this.#find = database
      .prepare<[string]>(
        `SELECT ${COLUMNS} FROM json_each(?) j CROSS JOIN segments s ON s.id = j.value
         LEFT JOIN boilerplate_segments bp ON bp.segment_id = s.id`,
      )
      .raw();
    this.#allowed = database
      .prepare<[FilterParameters & { ids: string }]>(
        `SELECT s.id FROM json_each(@ids) j JOIN segments s ON s.id = j.value JOIN videos v ON v.id = s.video_id
         WHERE ${VIDEO_FILTER} AND ${NOT_EXCLUDED} ORDER BY j.key`,
      )
      .pluck();
    const ofVideo = `FROM ${SEGMENTS}
       WHERE s.video_id = ? AND s.model_key = ? AND s.end_seconds > ? AND s.start_seconds < ?
       ORDER BY s.start_seconds, s.id`;
    this.#ofVideo = database.prepare(`SELECT ${COLUMNS} ${ofVideo}`);
    this.#placesOf = database
      .prepare<[number, number, number, number]>(
        `SELECT s.id, s.start_seconds, coalesce(bp.weight, 1.0) ${ofVideo}`,
      )
      .raw();
  }

  /** Gives the spans successive ids and returns the first. INDEX_FULL when the ids run out. */
  insert(videoId: number, model: ModelRow, spans: readonly Span[]): number {
    const lastId = (this.#lastId.get() as number | undefined) ?? 0;
    if (lastId + spans.length > MAXIMUM_SEGMENT_ID) throw indexFull(lastId, spans.length);
    for (let start = 0; start < spans.length; start += MAX_ROWS) {
      const values = spans
        .slice(start, start + MAX_ROWS)
        .flatMap((span, i) => [
          lastId + 1 + start + i,
          videoId,
          model.key,
          span.startSeconds,
          span.endSeconds,
        ]);
      this.#insertOf(Math.min(MAX_ROWS, spans.length - start)).run(...values);
    }
    return lastId + 1;
  }

  #insertOf(rows: number): Statement<number[]> {
    const known = this.#inserts.get(rows);
    if (known) return known;
    const places = Array(rows).fill('(?, ?, ?, ?, ?)').join(', ');
    const insert = this.#database.prepare<number[]>(`INSERT INTO segments VALUES ${places}`);
    this.#inserts.set(rows, insert);
    return insert;
  }

  removeOfVideo(videoId: number): void {
    this.#removeOfVideo.run(videoId);
  }

  find(ids: readonly number[]): Map<number, Segment> {
    const segments = new Map<number, Segment>();
    for (const row of this.#find.all(JSON.stringify(ids)) as RawSegment[]) {
      const [id, videoId, startSeconds, endSeconds, boilerplate, weight] = row;
      segments.set(id, { id, videoId, startSeconds, endSeconds, boilerplate, weight });
    }
    return segments;
  }

  allowed(ids: readonly number[], filter: SegmentFilter): number[] {
    return this.#allowed.all({ ids: JSON.stringify(ids), ...filterParameters(filter) }) as number[];
  }

  /** In order of time; with `within`, only those that overlap it. */
  ofVideo(videoId: number, model: ModelRow, within: Span = EVERYWHERE): Segment[] {
    return this.#ofVideo.all(videoId, model.key, within.startSeconds, within.endSeconds) as Segment[];
  }

  /** The same without what an alignment does not need: objects with all of it take several times as long. */
  placesOf(
    videoId: number,
    model: ModelRow,
    within: Span,
  ): { ids: number[]; startsSeconds: Float64Array; weights: Float64Array } {
    const { startSeconds, endSeconds } = within;
    const rows = this.#placesOf.all(videoId, model.key, startSeconds, endSeconds) as [
      number,
      number,
      number,
    ][];
    return {
      ids: rows.map(([id]) => id),
      startsSeconds: Float64Array.from(rows, ([, start]) => start),
      weights: Float64Array.from(rows, ([, , weight]) => weight),
    };
  }
}

function indexFull(lastId: number, count: number): CliptraceError {
  return new CliptraceError(
    'INDEX_FULL',
    `The library has given ${lastId} of ${MAXIMUM_SEGMENT_ID} segment ids, and ${count} more are needed. ` +
      'Index into a new data folder.',
    { details: { lastId, count } },
  );
}
