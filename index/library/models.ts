import type { Statement } from 'better-sqlite3';
import { CliptraceError } from '../errors.js';
import type { SqliteDatabase } from './database.js';

export interface ModelRow {
  key: number;
  id: string;
  dimension: number;
  timesteps: number;
}

export interface ModelRegistration {
  id: string;
  dimension: number;
  timesteps: number;
  manifestJson: string;
}

export class ModelsTable {
  readonly #find: Statement<[string]>;
  readonly #list: Statement<[]>;
  readonly #insert: Statement<[string, number, number, string, string]>;
  readonly #updateManifest: Statement<[string, number]>;
  readonly #staleVideos: Statement<[number]>;
  readonly #unused: Statement<[]>;

  constructor(database: SqliteDatabase) {
    this.#find = database.prepare('SELECT key, id, dimension, timesteps FROM models WHERE id = ?');
    this.#list = database.prepare('SELECT key, id, dimension, timesteps FROM models ORDER BY key');
    this.#insert = database.prepare(
      'INSERT INTO models (id, dimension, timesteps, manifest_json, registered_at) VALUES (?, ?, ?, ?, ?)',
    );
    this.#updateManifest = database.prepare('UPDATE models SET manifest_json = ? WHERE key = ?');
    this.#staleVideos = database
      .prepare<[number]>(
        'SELECT DISTINCT video_id FROM segment_blocks WHERE model_key <> ? ORDER BY video_id',
      )
      .pluck();
    this.#unused = database
      .prepare<[]>(
        `SELECT id FROM models m WHERE NOT EXISTS (SELECT 1 FROM segment_blocks b WHERE b.model_key = m.key)
         ORDER BY key`,
      )
      .pluck();
  }

  /** Ids of models that no video is embedded by. */
  unused(): string[] {
    return this.#unused.all() as string[];
  }

  find(id: string): ModelRow | null {
    return (this.#find.get(id) as ModelRow | undefined) ?? null;
  }

  list(): ModelRow[] {
    return this.#list.all() as ModelRow[];
  }

  require(id: string): ModelRow {
    const model = this.find(id);
    if (model !== null) return model;
    throw new CliptraceError(
      'MODEL_NOT_FOUND',
      `The library does not know the model ${id}. Register it first.`,
      {
        details: { modelId: id },
      },
    );
  }

  /** The id carries a hash of the weights, so the shape of a known model cannot change. */
  register(model: ModelRegistration): void {
    const known = this.find(model.id);
    if (known === null) {
      const { id, dimension, timesteps, manifestJson } = model;
      this.#insert.run(id, dimension, timesteps, manifestJson, new Date().toISOString());
      return;
    }
    if (known.dimension !== model.dimension || known.timesteps !== model.timesteps) {
      throw new CliptraceError(
        'MODEL_INVALID',
        `Model ${model.id} says ${model.timesteps} timesteps of dimension ${model.dimension}, but was registered with ` +
          `${known.timesteps} of ${known.dimension}. Give the changed model another id.`,
        { details: { modelId: model.id } },
      );
    }
    this.#updateManifest.run(model.manifestJson, known.key);
  }

  staleVideos(modelId: string): number[] {
    return this.#staleVideos.all(this.find(modelId)?.key ?? 0) as number[];
  }
}
