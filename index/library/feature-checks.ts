import { isUnitVector } from '../vectors/unit-vectors.js';
import type { SqliteDatabase } from './database.js';
import { decodeFloat16, decodeFloat32 } from './feature-blobs.js';

export interface FeatureFault {
  videoId: number;
  detail: string;
}

export interface FeatureCheck {
  segmentCount: number;
  faults: FeatureFault[];
}

interface FeatureRow {
  id: number;
  videoId: number;
  segmentCount: number;
  embeddings: Buffer;
  timesteps: Buffer | null;
  dimension: number | null;
  timestepCount: number | null;
}

const ROWS = `SELECT b.id, b.video_id AS videoId, b.segment_count AS segmentCount, b.embeddings, t.timesteps,
  m.dimension, m.timesteps AS timestepCount
  FROM segment_blocks b LEFT JOIN timestep_blocks t ON t.id = b.id LEFT JOIN models m ON m.key = b.model_key
  ORDER BY b.id`;

/** Reads every feature: of the model's shape, finite, and of unit norm. One fault a video, the first that shows. */
export function checkFeatures(database: SqliteDatabase): FeatureCheck {
  const faults = new Map<number, string>();
  let segmentCount = 0;
  for (const row of database.prepare(ROWS).iterate() as IterableIterator<FeatureRow>) {
    segmentCount += row.segmentCount;
    if (faults.has(row.videoId)) continue;
    const detail = faultOf(row);
    if (detail !== null) faults.set(row.videoId, detail);
  }
  return { segmentCount, faults: [...faults].map(([videoId, detail]) => ({ videoId, detail })) };
}

function faultOf(row: FeatureRow): string | null {
  const { dimension, timestepCount, segmentCount } = row;
  if (dimension === null || timestepCount === null) {
    return 'its features are of a model that the library does not know';
  }
  const shape = { dimension, segmentCount, firstId: row.id };
  return (
    faultIn('the embedding', row.embeddings, { ...shape, rowsOfSegment: 1, valueBytes: 4 }) ??
    // Those that are missing are told as an incomplete video.
    (row.timesteps &&
      faultIn('a timestep feature', row.timesteps, {
        ...shape,
        rowsOfSegment: timestepCount,
        valueBytes: 2,
      }))
  );
}

interface BlobShape {
  dimension: number;
  segmentCount: number;
  rowsOfSegment: number;
  valueBytes: 2 | 4;
  firstId: number;
}

function faultIn(what: string, blob: Buffer, shape: BlobShape): string | null {
  const { dimension, segmentCount, rowsOfSegment, valueBytes, firstId } = shape;
  const rowCount = segmentCount * rowsOfSegment;
  const count = rowCount * dimension;
  if (blob.length !== count * valueBytes) {
    return `the features from segment ${firstId} on have ${blob.length} bytes where its model needs ${count * valueBytes}`;
  }
  const values = new Float32Array(count);
  if (valueBytes === 4) decodeFloat32(blob, values, 0, count);
  else decodeFloat16(blob, values, 0, count);
  for (let row = 0; row < rowCount; row += 1) {
    if (isUnitVector(values, row, dimension)) continue;
    const segmentId = firstId + Math.floor(row / rowsOfSegment);
    return `${what} of segment ${segmentId} is not finite or not of unit norm`;
  }
  return null;
}
