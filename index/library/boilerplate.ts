import type { Statement } from 'better-sqlite3';
import type { PlainKind } from '../media/plain-kinds.js';
import {
  type BoilerplateReport,
  type BoilerplateSegment,
  weightOfPlain,
} from '../search/boilerplate/types.js';
import type { SqliteDatabase } from './database.js';
import type { ModelRow } from './models.js';

/** Segments that say little of where a clip comes from, and what the last look through each collection found. */
export class BoilerplateTable {
  readonly #add: Statement<[BoilerplateSegment]>;
  readonly #forget: Statement<[{ collectionId: number; modelKey: number; lastSegmentId: number }]>;
  readonly #get: Statement<[string, number]>;
  readonly #put: Statement<[number, number, string]>;

  constructor(database: SqliteDatabase) {
    // A segment that went meanwhile is passed over.
    this.#add = database.prepare(
      'INSERT OR REPLACE INTO boilerplate_segments SELECT id, @kind, @weight FROM segments WHERE id = @segmentId',
    );
    this.#forget = database.prepare(
      `DELETE FROM boilerplate_segments WHERE segment_id IN (
         SELECT s.id FROM videos v CROSS JOIN segments s ON s.video_id = v.id AND s.model_key = @modelKey
         WHERE v.collection_id = @collectionId AND s.id <= @lastSegmentId)`,
    );
    this.#get = database
      .prepare<[string, number]>(
        `SELECT report_json FROM boilerplate_reports
         WHERE collection_id = (SELECT id FROM collections WHERE name = ?) AND model_key = ?`,
      )
      .pluck();
    this.#put = database.prepare('INSERT OR REPLACE INTO boilerplate_reports VALUES (?, ?, ?)');
  }

  /** `plain` is in the order of the segments, of which `firstId` is the first. */
  addPlain(firstId: number, plain: readonly (PlainKind | null)[]): void {
    plain.forEach((kind, position) => {
      if (kind !== null) this.#add.run({ segmentId: firstId + position, kind, weight: weightOfPlain(kind) });
    });
  }

  report(collection: string, model: ModelRow): BoilerplateReport | null {
    const json = this.#get.get(collection, model.key) as string | undefined;
    return json === undefined ? null : (JSON.parse(json) as BoilerplateReport);
  }

  /** Replaces what is known of the collection's segments up to `lastSegmentId`. */
  replace(
    collectionId: number,
    model: ModelRow,
    found: {
      report: BoilerplateReport;
      segments: readonly BoilerplateSegment[];
      lastSegmentId: number;
    },
  ): void {
    const { report, segments, lastSegmentId } = found;
    this.#forget.run({ collectionId, modelKey: model.key, lastSegmentId });
    for (const segment of segments) this.#add.run(segment);
    this.#put.run(collectionId, model.key, JSON.stringify(report));
  }
}
