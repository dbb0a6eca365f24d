import { CliptraceError } from '../errors.js';

/** How far a norm may lie from 1. Encoders normalise in float32 and are off by 1e-6; this catches the unnormalised. */
const NORM_TOLERANCE = 1e-3;

/**
 * Refuses with VECTOR_INVALID unless `vectors` is [count, dimension], finite and of unit norm. hnswlib would store a NaN
 * and return it first for every query.
 */
export function checkUnitVectors(
  vectors: Float32Array,
  count: number,
  dimension: number,
  what: string,
): void {
  checkLength(vectors, count, dimension, what);
  for (let row = 0; row < count; row += 1) {
    const norm = normOf(vectors, row * dimension, dimension);
    if (!isUnit(norm)) throw notUnit(vectors, row, dimension, norm, what);
  }
}

/**
 * A copy of checked vectors with norms that are 1 to the precision of float32, so that an inner product is a cosine and
 * equal vectors are at distance 0.
 */
export function toUnitVectors(
  vectors: Float32Array,
  count: number,
  dimension: number,
  what: string,
): Float32Array<ArrayBuffer> {
  const copy = new Float32Array(vectors.length);
  copyUnitVectors(vectors, count, dimension, what, copy);
  return copy;
}

/** The same into `copy`, which is left half-written when it throws. */
export function copyUnitVectors(
  vectors: Float32Array,
  count: number,
  dimension: number,
  what: string,
  copy: Float32Array,
): void {
  checkLength(vectors, count, dimension, what);
  for (let row = 0; row < count; row += 1) {
    const norm = normOf(vectors, row * dimension, dimension);
    if (!isUnit(norm)) throw notUnit(vectors, row, dimension, norm, what);
    for (let i = row * dimension; i < (row + 1) * dimension; i += 1) copy[i] = (vectors[i] as number) / norm;
  }
}

/** Whether row `row` of [_, dimension] is finite and of unit norm. */
export function isUnitVector(vectors: Float32Array, row: number, dimension: number): boolean {
  return isUnit(normOf(vectors, row * dimension, dimension));
}

function isUnit(norm: number): boolean {
  // NaN compares false.
  return Math.abs(norm - 1) <= NORM_TOLERANCE;
}

function normOf(vectors: Float32Array, offset: number, dimension: number): number {
  let sum = 0;
  for (let i = offset; i < offset + dimension; i += 1) {
    const value = vectors[i] as number;
    sum += value * value;
  }
  return Math.sqrt(sum);
}

function checkLength(vectors: Float32Array, count: number, dimension: number, what: string): void {
  if (vectors.length === count * dimension) return;
  throw new CliptraceError(
    'VECTOR_INVALID',
    `${what}: ${vectors.length} values given where ${count} vectors of dimension ${dimension} have ${count * dimension}.`,
    { details: { values: vectors.length, count, dimension } },
  );
}

function notUnit(
  vectors: Float32Array,
  row: number,
  dimension: number,
  norm: number,
  what: string,
): CliptraceError {
  const values = vectors.subarray(row * dimension, (row + 1) * dimension);
  const column = values.findIndex((value) => !Number.isFinite(value));
  const problem =
    column < 0 ? `has norm ${norm.toPrecision(6)}, not 1` : `holds ${values[column]} at ${column}`;
  return new CliptraceError(
    'VECTOR_INVALID',
    `${what}: vector ${row} ${problem}. Normalise it before it is stored.`,
    { details: { row, norm: Number.isFinite(norm) ? norm : null } },
  );
}
