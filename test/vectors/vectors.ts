/** Numbers in [0, 1) that are the same on every run (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** [count, dimension], evenly spread over the sphere. */
export function unitVectors(count: number, dimension: number, seed: number): Float32Array {
  const normal = normalNumbers(seed);
  return normaliseRows(Float32Array.from({ length: count * dimension }, normal), dimension);
}

/**
 * [count, dimension], around `clusters` centres, each row `spread` away from its own: what the segments of an archive
 * look like.
 */
export function clusteredUnitVectors(
  count: number,
  dimension: number,
  options: { clusters: number; spread: number; seed: number },
): Float32Array {
  const { clusters, spread, seed } = options;
  const centres = unitVectors(clusters, dimension, seed);
  const normal = normalNumbers(seed + 1);
  const random = randomNumbers(seed + 2);
  const rows = new Float32Array(count * dimension);
  for (let row = 0; row < count; row += 1) {
    const centre = Math.floor(random() * clusters);
    for (let i = 0; i < dimension; i += 1) {
      const offset = (spread * normal()) / Math.sqrt(dimension);
      rows[row * dimension + i] = (centres[centre * dimension + i] as number) + offset;
    }
  }
  return normaliseRows(rows, dimension);
}

export function rowOf(vectors: Float32Array, row: number, dimension: number): Float32Array {
  return vectors.slice(row * dimension, (row + 1) * dimension);
}

/** Box and Muller's transform. */
function normalNumbers(seed: number): () => number {
  const random = randomNumbers(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function normaliseRows(rows: Float32Array, dimension: number): Float32Array {
  for (let start = 0; start < rows.length; start += dimension) {
    const row = rows.subarray(start, start + dimension);
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    row.forEach((value, i) => {
      row[i] = value / norm;
    });
  }
  return rows;
}
