import type { Statement } from 'better-sqlite3';
import { CALIBRATION_FORMAT, type Calibration } from '../search/calibration/types.js';
import type { SqliteDatabase } from './database.js';
import type { ModelRow } from './models.js';
import { CALIBRATION, faultOfJson } from './record-shapes.js';

/** One calibration a collection and model. */
export class CalibrationsTable {
  readonly #get: Statement<[string, number]>;
  readonly #put: Statement<[number, number, string]>;

  constructor(database: SqliteDatabase) {
    this.#get = database
      .prepare<[string, number]>(
        `SELECT calibration_json FROM calibrations
         WHERE collection_id = (SELECT id FROM collections WHERE name = ?) AND model_key = ?`,
      )
      .pluck();
    this.#put = database.prepare('INSERT OR REPLACE INTO calibrations VALUES (?, ?, ?)');
  }

  get(collection: string, model: ModelRow): Calibration | null {
    const json = this.#get.get(collection, model.key) as string | undefined;
    // A spoilt one is as good as none, too: `verify` tells of it.
    if (json === undefined || faultOfJson(json, CALIBRATION) !== null) return null;
    const calibration = JSON.parse(json) as Calibration;
    return calibration.formatVersion === CALIBRATION_FORMAT ? calibration : null;
  }

  put(collectionId: number, model: ModelRow, calibration: Calibration): void {
    this.#put.run(collectionId, model.key, JSON.stringify(calibration));
  }
}
