import type { Statement } from 'better-sqlite3';
import { CliptraceError } from '../errors.js';
import type { Span } from '../span.js';
import { checkUnitVectors } from '../vectors/unit-vectors.js';
import type { SqliteDatabase } from './database.js';
import { decodeFloat16, decodeFloat32, encodeFloat16, encodeFloat32 } from './feature-blobs.js';
import type { ModelRow } from './models.js';
import { type FilterParameters, filterParameters, VIDEO_FILTER } from './segment-filter.js';
import type { Segment, SegmentBatch, SegmentFeatures, SegmentFilter, SegmentVectors } from './types.js';

/** hnswlib-node takes labels as 32-bit integers and wraps beyond. */
const MAXIMUM_SEGMENT_ID = 2 ** 32 - 1;

interface EmbeddingRow {
  id: number;
  embedding: Buffer;
  dimension: number;
}

type PagedFilter = FilterParameters & { modelKey: number; afterId: number; limit: number };

const EVERYWHERE: Span = { startSeconds: Number.NEGATIVE_INFINITY, endSeconds: Number.POSITIVE_INFINITY };

const SPAN = 's.id, s.video_id AS videoId, s.start_seconds AS startSeconds, s.end_seconds AS endSeconds';

export class SegmentsTable {
  readonly #lastId: Statement<[]>;
  readonly #insert: Statement<[number, number, number, number]>;
  readonly #insertEmbedding: Statement<[number | bigint, Buffer]>;
  readonly #insertTimesteps: Statement<[number | bigint, Buffer]>;
  readonly #removeOfVideo: Statement<[number]>;
  readonly #find: Statement<[string]>;
  readonly #allowed: Statement<[FilterParameters & { ids: string }]>;
  readonly #featuresOf: Statement<[number, number, number, number]>;
  readonly #hasAny: Statement<[number, number]>;
  readonly #embeddingsOf: Statement<[number, number]>;
  readonly #embeddingsById: Statement<[string]>;
  readonly #count: Statement<[number]>;
  readonly #countFiltered: Statement<[FilterParameters & { modelKey: number }]>;
  readonly #page: Statement<[number, number, number]>;
  readonly #pageFiltered: Statement<[PagedFilter]>;

  constructor(database: SqliteDatabase) {
    this.#lastId = database.prepare<[]>("SELECT seq FROM sqlite_sequence WHERE name = 'segments'").pluck();
    this.#insert = database.prepare(
      'INSERT INTO segments (video_id, model_key, start_seconds, end_seconds) VALUES (?, ?, ?, ?)',
    );
    this.#insertEmbedding = database.prepare('INSERT INTO segment_embeddings VALUES (?, ?)');
    this.#insertTimesteps = database.prepare('INSERT INTO segment_timesteps VALUES (?, ?)');
    this.#removeOfVideo = database.prepare('DELETE FROM segments WHERE video_id = ?');
    this.#find = database.prepare(
      `SELECT ${SPAN} FROM segments s WHERE s.id IN (SELECT value FROM json_each(?))`,
    );
    this.#allowed = database
      .prepare<[FilterParameters & { ids: string }]>(
        `SELECT s.id FROM json_each(@ids) j JOIN segments s ON s.id = j.value JOIN videos v ON v.id = s.video_id
         WHERE ${VIDEO_FILTER} ORDER BY j.key`,
      )
      .pluck();
    this.#featuresOf = database.prepare(
      `SELECT ${SPAN}, t.timesteps FROM segments s JOIN segment_timesteps t ON t.segment_id = s.id
       WHERE s.video_id = ? AND s.model_key = ? AND s.end_seconds > ? AND s.start_seconds < ?
       ORDER BY s.start_seconds, s.id`,
    );
    this.#hasAny = database.prepare('SELECT 1 FROM segments WHERE video_id = ? AND model_key = ? LIMIT 1');
    this.#embeddingsOf = database.prepare(
      `SELECT s.id, e.embedding FROM segments s JOIN segment_embeddings e ON e.segment_id = s.id
       WHERE s.video_id = ? AND s.model_key = ? ORDER BY s.start_seconds, s.id`,
    );
    this.#embeddingsById = database.prepare(
      `SELECT s.id, e.embedding, m.dimension FROM segments s JOIN models m ON m.key = s.model_key
       JOIN segment_embeddings e ON e.segment_id = s.id
       WHERE s.id IN (SELECT value FROM json_each(?)) ORDER BY s.id`,
    );
    this.#count = database.prepare<[number]>('SELECT count(*) FROM segments WHERE model_key = ?').pluck();
    // CROSS JOIN fixes the order: from the videos that the filter allows to their segments.
    this.#countFiltered = database
      .prepare<[FilterParameters & { modelKey: number }]>(
        `SELECT count(*) FROM videos v CROSS JOIN segments s ON s.video_id = v.id AND s.model_key = @modelKey
         WHERE ${VIDEO_FILTER}`,
      )
      .pluck();
    this.#page = database.prepare(
      `SELECT s.id, e.embedding FROM segments s CROSS JOIN segment_embeddings e ON e.segment_id = s.id
       WHERE s.model_key = ? AND s.id > ? ORDER BY s.id LIMIT ?`,
    );
    // Sorts bare ids, and only then fetches their embeddings.
    this.#pageFiltered = database.prepare(
      `SELECT p.id, e.embedding FROM (
         SELECT s.id FROM videos v CROSS JOIN segments s ON s.video_id = v.id AND s.model_key = @modelKey
         WHERE s.id > @afterId AND ${VIDEO_FILTER} ORDER BY s.id LIMIT @limit
       ) p CROSS JOIN segment_embeddings e ON e.segment_id = p.id`,
    );
  }

  /** Refuses what must not be stored: VECTOR_INVALID. Takes no lock, so it runs before the transaction. */
  static check(model: ModelRow, batch: SegmentBatch): void {
    const count = batch.spans.length;
    checkUnitVectors(batch.embeddings, count, model.dimension, 'Embeddings');
    checkUnitVectors(batch.timesteps, count * model.timesteps, model.dimension, 'Timestep features');
  }

  /** `batch` has passed `check`. INDEX_FULL when the ids run out. */
  insert(videoId: number, model: ModelRow, batch: SegmentBatch): void {
    const { dimension } = model;
    const valuesPerSegment = model.timesteps * dimension;
    this.#checkRoom(batch.spans.length);
    batch.spans.forEach((span, i) => {
      const id = this.#insert.run(videoId, model.key, span.startSeconds, span.endSeconds).lastInsertRowid;
      const embedding = batch.embeddings.subarray(i * dimension, (i + 1) * dimension);
      const timesteps = batch.timesteps.subarray(i * valuesPerSegment, (i + 1) * valuesPerSegment);
      this.#insertEmbedding.run(id, encodeFloat32(embedding));
      this.#insertTimesteps.run(id, encodeFloat16(timesteps));
    });
  }

  removeOfVideo(videoId: number): void {
    this.#removeOfVideo.run(videoId);
  }

  find(ids: readonly number[]): Map<number, Segment> {
    const rows = this.#find.all(JSON.stringify(ids)) as Segment[];
    return new Map(rows.map((row) => [row.id, row]));
  }

  allowed(ids: readonly number[], filter: SegmentFilter): number[] {
    return this.#allowed.all({ ids: JSON.stringify(ids), ...filterParameters(filter) }) as number[];
  }

  /** Those that overlap `within`; all without it. */
  featuresOf(videoId: number, model: ModelRow, within?: Span): SegmentFeatures[] {
    const length = model.timesteps * model.dimension;
    const { startSeconds, endSeconds } = within ?? EVERYWHERE;
    const rows = this.#featuresOf.all(videoId, model.key, startSeconds, endSeconds);
    return (rows as (Segment & { timesteps: Buffer })[]).map((row) => {
      const timesteps = new Float32Array(length);
      decodeFloat16(row.timesteps, timesteps, 0, length);
      return { ...row, timesteps };
    });
  }

  hasAny(videoId: number, model: ModelRow): boolean {
    return this.#hasAny.get(videoId, model.key) !== undefined;
  }

  embeddingsOf(videoId: number, model: ModelRow): SegmentVectors {
    return toVectors(this.#embeddingsOf.all(videoId, model.key) as EmbeddingRow[], model.dimension);
  }

  embeddingsById(ids: readonly number[]): SegmentVectors {
    const rows = this.#embeddingsById.all(JSON.stringify(ids)) as EmbeddingRow[];
    const dimension = rows[0]?.dimension ?? 0;
    return toVectors(rows, dimension);
  }

  count(model: ModelRow, filter: SegmentFilter): number {
    if (isUnfiltered(filter)) return this.#count.get(model.key) as number;
    return this.#countFiltered.get({ modelKey: model.key, ...filterParameters(filter) }) as number;
  }

  page(model: ModelRow, afterId: number, limit: number, filter: SegmentFilter): SegmentVectors {
    const rows = isUnfiltered(filter)
      ? this.#page.all(model.key, afterId, limit)
      : this.#pageFiltered.all({ modelKey: model.key, afterId, limit, ...filterParameters(filter) });
    return toVectors(rows as EmbeddingRow[], model.dimension);
  }

  #checkRoom(count: number): void {
    const lastId = (this.#lastId.get() as number | undefined) ?? 0;
    if (lastId + count <= MAXIMUM_SEGMENT_ID) return;
    throw new CliptraceError(
      'INDEX_FULL',
      `The library has given ${lastId} of ${MAXIMUM_SEGMENT_ID} segment ids, and ${count} more are needed. ` +
        'Index into a new data folder.',
      { details: { lastId, count } },
    );
  }
}

function isUnfiltered(filter: SegmentFilter): boolean {
  return filter.collection === undefined && filter.label === undefined && !filter.excludeVideoIds?.length;
}

function toVectors(rows: readonly EmbeddingRow[], dimension: number): SegmentVectors {
  const vectors = new Float32Array(rows.length * dimension);
  rows.forEach((row, i) => {
    decodeFloat32(row.embedding, vectors, i * dimension, dimension);
  });
  return { ids: rows.map((row) => row.id), vectors };
}
