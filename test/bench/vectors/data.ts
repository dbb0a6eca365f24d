import { randomNumbers } from '../../vectors/vectors.js';

export const DIMENSION = 256;
const CLUSTERS = 500;
/** Of a value around its centre's, which lie in [-1, 1): cosine 0.67 within a cluster, 0 between. */
const SPREAD = 0.7;

const centres = Float32Array.from({ length: CLUSTERS * DIMENSION }, signed(randomNumbers(1)));

/**
 * Unit vectors around random centres, rows `start` to `end`, [end - start, DIMENSION]: neighbouring segments of videos
 * are alike, not uniformly spread. A row is the same whoever asks for it, so that no process need hold them all.
 */
export function benchVectors(start: number, end: number): Float32Array {
  const vectors = new Float32Array((end - start) * DIMENSION);
  for (let row = start; row < end; row += 1) {
    const random = signed(randomNumbers(row * 7919 + 17));
    const centre = Math.floor(((random() + 1) / 2) * CLUSTERS) * DIMENSION;
    const offset = (row - start) * DIMENSION;
    let sum = 0;
    for (let d = 0; d < DIMENSION; d += 1) {
      const value = (centres[centre + d] as number) + SPREAD * random();
      vectors[offset + d] = value;
      sum += value * value;
    }
    const norm = Math.sqrt(sum);
    for (let d = offset; d < offset + DIMENSION; d += 1) vectors[d] = (vectors[d] as number) / norm;
  }
  return vectors;
}

/** [count, DIMENSION], of the same distribution and not among the stored. */
export function benchQueries(count: number): Float32Array {
  return benchVectors(0xf0000000, 0xf0000000 + count);
}

function signed(random: () => number): () => number {
  return () => 2 * random() - 1;
}
