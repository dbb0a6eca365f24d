import type { SegmentVectors } from '../library/types.js';
import { rowsOf } from './rows.js';
import { checkUnitVectors, isUnitVector } from './unit-vectors.js';

/**
 * Vectors were checked when they were stored. One that the disk has spoilt since is left out, so that it does not keep
 * all others away. VECTOR_INVALID when the batch is of another dimension as a whole.
 */
export function withoutSpoilt(
  batch: SegmentVectors,
  dimension: number,
): { sound: SegmentVectors; spoiltIds: number[] } {
  const { ids, vectors } = batch;
  if (vectors.length !== ids.length * dimension)
    checkUnitVectors(vectors, ids.length, dimension, 'Stored vectors');
  const rows = ids.flatMap((_, row) => (isUnitVector(vectors, row, dimension) ? [row] : []));
  if (rows.length === ids.length) return { sound: batch, spoiltIds: [] };
  const sound = {
    ids: rows.map((row) => ids[row] as number),
    vectors: rowsOf(vectors, rows, dimension),
  };
  return { sound, spoiltIds: ids.filter((_, row) => !isUnitVector(vectors, row, dimension)) };
}
