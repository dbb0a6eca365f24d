/** The rows of a matrix [_, dimension] that are named, in that order: [rows.length, dimension]. */
export function rowsOf(matrix: Float32Array, rows: readonly number[], dimension: number): Float32Array {
  const chosen = new Float32Array(rows.length * dimension);
  rows.forEach((row, i) => {
    chosen.set(matrix.subarray(row * dimension, (row + 1) * dimension), i * dimension);
  });
  return chosen;
}
