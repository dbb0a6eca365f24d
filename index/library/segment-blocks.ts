import type { Statement } from 'better-sqlite3';
import { CliptraceError } from '../errors.js';
import { freshMemory, type NumberMemory } from '../number-memory.js';
import type { SqliteDatabase } from './database.js';
import { decodeFloat16, decodeFloat32, encodeFloat16, encodeFloat32 } from './feature-blobs.js';
import type { ModelRow } from './models.js';
import { type FilterParameters, filterParameters, isUnfiltered, NOT_EXCLUDED } from './segment-filter.js';
import type { SegmentBatch, SegmentFilter, SegmentVectors } from './types.js';
import { VIDEO_FILTER } from './video-filter.js';

/** Segments of a row; the schema holds the same number. */
const BLOCK = 64;

interface Block {
  /** Of its first segment; the others follow it without a gap. */
  id: number;
  segmentCount: number;
}

type EmbeddingBlock = Block & { embeddings: Buffer; dimension: number };
type TimestepBlock = Block & { timesteps: Buffer };

const EMBEDDINGS = 'b.id, b.segment_count AS segmentCount, b.embeddings';

/** Embeddings and timestep features, in rows of up to 64 segments with successive ids. */
export class SegmentBlocksTable {
  readonly #insert: Statement<[number, number, number, number, Buffer]>;
  readonly #insertTimesteps: Statement<[number, Buffer]>;
  readonly #removeOfVideo: Statement<[number]>;
  readonly #hasAny: Statement<[number, number]>;
  readonly #count: Statement<[number]>;
  readonly #countOf: Statement<[string, number]>;
  readonly #countFiltered: Statement<[FilterParameters & { modelKey: number }]>;
  readonly #from: Statement<[number, number]>;
  readonly #fromFiltered: Statement<
    [FilterParameters & { modelKey: number; afterId: number; limit: number }]
  >;
  readonly #holding: Statement<[number]>;
  readonly #timestepsOf: Statement<[number, number, number, number]>;

  constructor(database: SqliteDatabase) {
    this.#insert = database.prepare('INSERT INTO segment_blocks VALUES (?, ?, ?, ?, ?)');
    this.#insertTimesteps = database.prepare('INSERT INTO timestep_blocks VALUES (?, ?)');
    this.#removeOfVideo = database.prepare('DELETE FROM segment_blocks WHERE video_id = ?');
    this.#hasAny = database.prepare(
      'SELECT 1 FROM segment_blocks WHERE video_id = ? AND model_key = ? LIMIT 1',
    );
    this.#count = database
      .prepare<[number]>('SELECT coalesce(sum(segment_count), 0) FROM segment_blocks WHERE model_key = ?')
      .pluck();
    // CROSS JOIN fixes the order: from the videos that the filter allows to their blocks.
    const allowedBlocks = `FROM videos v CROSS JOIN segment_blocks b ON b.video_id = v.id AND b.model_key = @modelKey
      WHERE ${VIDEO_FILTER} AND ${NOT_EXCLUDED}`;
    this.#countFiltered = database
      .prepare<[FilterParameters & { modelKey: number }]>(
        `SELECT coalesce(sum(b.segment_count), 0) ${allowedBlocks}`,
      )
      .pluck();
    this.#countOf = database
      .prepare<[string, number]>(
        `SELECT coalesce(sum(b.segment_count), 0) FROM json_each(?) j CROSS JOIN segment_blocks b ON b.video_id = j.value
         WHERE b.model_key = ?`,
      )
      .pluck();
    // The plus keeps SQLite from going by model and then sorting rows of 64 kilobytes.
    this.#from = database.prepare(
      `SELECT ${EMBEDDINGS} FROM segment_blocks b WHERE b.id > ? AND +b.model_key = ? ORDER BY b.id`,
    );
    // Sorts bare ids, and only then fetches their embeddings.
    this.#fromFiltered = database.prepare(
      `SELECT ${EMBEDDINGS} FROM
         (SELECT b.id ${allowedBlocks} AND b.id > @afterId ORDER BY b.id LIMIT @limit) p
       CROSS JOIN segment_blocks b ON b.id = p.id`,
    );
    this.#holding = database.prepare(
      `SELECT ${EMBEDDINGS}, m.dimension FROM segment_blocks b JOIN models m ON m.key = b.model_key
       WHERE b.id <= ? ORDER BY b.id DESC LIMIT 1`,
    );
    this.#timestepsOf = database.prepare(
      `SELECT b.id, b.segment_count AS segmentCount, t.timesteps
       FROM segment_blocks b JOIN timestep_blocks t ON t.id = b.id
       WHERE b.video_id = ? AND b.model_key = ? AND b.id > ? AND b.id <= ?`,
    );
  }

  /** The features of segments `firstId`, `firstId` + 1 and so on. */
  insert(videoId: number, model: ModelRow, firstId: number, batch: SegmentBatch): void {
    const { dimension } = model;
    const timestepValues = model.timesteps * dimension;
    for (let start = 0; start < batch.spans.length; start += BLOCK) {
      const end = Math.min(start + BLOCK, batch.spans.length);
      const embeddings = batch.embeddings.subarray(start * dimension, end * dimension);
      const timesteps = batch.timesteps.subarray(start * timestepValues, end * timestepValues);
      this.#insert.run(firstId + start, videoId, model.key, end - start, encodeFloat32(embeddings));
      this.#insertTimesteps.run(firstId + start, encodeFloat16(timesteps));
    }
  }

  removeOfVideo(videoId: number): void {
    this.#removeOfVideo.run(videoId);
  }

  hasAny(videoId: number, model: ModelRow): boolean {
    return this.#hasAny.get(videoId, model.key) !== undefined;
  }

  count(model: ModelRow, filter: SegmentFilter): number {
    if (isUnfiltered(filter)) return this.#count.get(model.key) as number;
    return this.#countFiltered.get({ modelKey: model.key, ...filterParameters(filter) }) as number;
  }

  /** Of these videos; each is to be named once. */
  countOf(videoIds: readonly number[], model: ModelRow): number {
    return this.#countOf.get(JSON.stringify(videoIds), model.key) as number;
  }

  /** Up to `limit` embeddings with id > afterId, ascending. */
  page(model: ModelRow, afterId: number, limit: number, filter: SegmentFilter): SegmentVectors {
    // The block that holds the next id may begin before it.
    const afterBlock = afterId - BLOCK;
    const blocks = isUnfiltered(filter)
      ? this.#from.iterate(afterBlock, model.key)
      : this.#fromFiltered.iterate({
          modelKey: model.key,
          afterId: afterBlock,
          limit: limit + 1,
          ...filterParameters(filter),
        });
    const taken: { block: EmbeddingBlock; start: number; end: number }[] = [];
    let count = 0;
    for (const row of blocks) {
      const block = row as EmbeddingBlock;
      const start = Math.max(0, afterId + 1 - block.id);
      const end = Math.min(block.segmentCount, start + limit - count);
      if (start < end) {
        taken.push({ block, start, end });
        count += end - start;
      }
      if (count >= limit) break;
    }
    return join(taken, count, model.dimension);
  }

  /** Embeddings of the ids that exist, ascending; all of one model. */
  embeddingsOf(ids: readonly number[]): SegmentVectors {
    const sorted = [...new Set(ids)].sort((a, b) => a - b);
    const taken: { block: EmbeddingBlock; start: number; end: number }[] = [];
    let block: EmbeddingBlock | undefined;
    for (const id of sorted) {
      if (block === undefined || id >= block.id + block.segmentCount) {
        block = this.#holding.get(id) as EmbeddingBlock | undefined;
      }
      const position = block === undefined ? -1 : id - block.id;
      if (block === undefined || position >= block.segmentCount) continue;
      taken.push({ block, start: position, end: position + 1 });
    }
    return join(taken, taken.length, taken[0]?.block.dimension ?? 0);
  }

  /** Timestep features of some of a video's segments, [timesteps, dimension] each. */
  timestepsOf(videoId: number, model: ModelRow, ids: readonly number[]): Map<number, Float32Array> {
    const values = model.timesteps * model.dimension;
    const joined = this.joinedTimestepsOf(videoId, model, ids);
    return new Map(ids.map((id, i) => [id, joined.slice(i * values, (i + 1) * values)]));
  }

  /** Timestep features of some of a video's segments, in the order of the ids: [ids.length, timesteps, dimension]. LIBRARY_DAMAGED where some lack. */
  joinedTimestepsOf(
    videoId: number,
    model: ModelRow,
    ids: readonly number[],
    memory: NumberMemory = freshMemory,
  ): Float32Array {
    const values = model.timesteps * model.dimension;
    const features = memory.float32(ids.length * values);
    const rowOf = new Map(ids.map((id, row) => [id, row]));
    const first = ids.reduce((least, id) => Math.min(least, id), Number.POSITIVE_INFINITY);
    const last = ids.reduce((most, id) => Math.max(most, id), 0);
    const blocks = this.#timestepsOf.all(videoId, model.key, first - BLOCK, last) as TimestepBlock[];
    let found = 0;
    for (const { id, segmentCount, timesteps } of blocks) {
      for (let position = 0; position < segmentCount; ) {
        const row = rowOf.get(id + position);
        // Successive segments are decoded at once.
        let end = position + 1;
        while (row !== undefined && end < segmentCount && rowOf.get(id + end) === row + end - position)
          end += 1;
        if (row !== undefined) {
          const bytes = timesteps.subarray(2 * position * values, 2 * end * values);
          decodeFloat16(bytes, features, row * values, (end - position) * values);
          found += end - position;
        }
        position = end;
      }
    }
    if (found < ids.length) {
      throw new CliptraceError(
        'LIBRARY_DAMAGED',
        `Of ${ids.length} segments of video ${videoId}, ${ids.length - found} have no features. Run \`cliptrace doctor\`.`,
        { details: { videoId, segments: ids.length, missing: ids.length - found } },
      );
    }
    return features;
  }
}

function join(
  parts: readonly { block: EmbeddingBlock; start: number; end: number }[],
  count: number,
  dimension: number,
): SegmentVectors {
  const ids: number[] = [];
  const vectors = new Float32Array(count * dimension);
  for (const { block, start, end } of parts) {
    const bytes = block.embeddings.subarray(4 * start * dimension, 4 * end * dimension);
    decodeFloat32(bytes, vectors, ids.length * dimension, (end - start) * dimension);
    for (let position = start; position < end; position += 1) ids.push(block.id + position);
  }
  return { ids, vectors };
}
