import { errorMessageOf } from '../errors.js';
import { isUnitVector } from '../vectors/unit-vectors.js';
import type { SqliteDatabase } from './database.js';
import { faultOfJson, WATCH_LAYOUT } from './record-shapes.js';
import { decodeEmbedding } from './watch-embedding-blob.js';

/** Stands for the model of features that were dropped: a server embeds the clip anew, as when the model has changed. */
export const SPOILT_MODEL_ID = 'spoilt';

/** Watches whose features are missing, not finite, not of unit norm or of another shape than they say. */
export function findSpoiltWatches(database: SqliteDatabase): { watchId: number; detail: string }[] {
  const rows = database
    .prepare(
      `SELECT w.id AS watchId, e.layout_json AS layoutJson, e.features FROM watches w
       LEFT JOIN watch_embeddings e ON e.watch_id = w.id WHERE e.model_id IS NOT ? ORDER BY w.id`,
    )
    .iterate(SPOILT_MODEL_ID) as IterableIterator<{
    watchId: number;
    layoutJson: string | null;
    features: Buffer;
  }>;
  const spoilt: { watchId: number; detail: string }[] = [];
  for (const { watchId, layoutJson, features } of rows) {
    const detail = layoutJson === null ? 'it has no features' : faultOf(layoutJson, features);
    if (detail !== null) spoilt.push({ watchId, detail });
  }
  return spoilt;
}

/** So that a server embeds it anew. */
export function dropWatchFeatures(database: SqliteDatabase, watchId: number): void {
  database
    .prepare("INSERT OR REPLACE INTO watch_embeddings VALUES (?, ?, '{}', zeroblob(0))")
    .run(watchId, SPOILT_MODEL_ID);
}

function faultOf(layoutJson: string, features: Buffer): string | null {
  const fault = faultOfJson(layoutJson, WATCH_LAYOUT);
  if (fault !== null) return `the layout of its features cannot be read: ${fault}`;
  try {
    const { variants } = decodeEmbedding({ layoutJson, features });
    const isSound = variants.every(
      ({ embeddings, track }) =>
        allUnit(embeddings, track.dimension) && allUnit(track.features, track.dimension),
    );
    return isSound ? null : 'its features are not finite or not of unit norm';
  } catch (error) {
    return errorMessageOf(error);
  }
}

function allUnit(vectors: Float32Array, dimension: number): boolean {
  for (let row = 0; row < vectors.length / dimension; row += 1) {
    if (!isUnitVector(vectors, row, dimension)) return false;
  }
  return true;
}
