import { unitVectors } from './vectors.js';

/** Rows: the stars' centres first, then their satellites, star by star in turns. */
export interface StarLibrary {
  /** [stars + stars * satellites, dimension] */
  vectors: Float32Array;
  count: number;
  dimension: number;
}

/**
 * Centres that stand apart, and around each `satellites` vectors of cosine 0.8 to it and about 0.64 to one another: takes of one fixed
 * camera, or edited copies of one clip.
 */
export function starLibrary(options: {
  stars: number;
  satellites: number;
  dimension: number;
  seed: number;
}): StarLibrary {
  const { stars, satellites, dimension, seed } = options;
  const count = stars + stars * satellites;
  const centres = unitVectors(stars, dimension, seed);
  const vectors = new Float32Array(count * dimension);
  vectors.set(centres);
  const directions = unitVectors(stars * satellites, dimension, seed + 1);
  for (let satellite = 0; satellite < stars * satellites; satellite += 1) {
    const centre = (satellite % stars) * dimension;
    const from = satellite * dimension;
    const row = vectors.subarray((stars + satellite) * dimension, (stars + satellite + 1) * dimension);
    row.forEach((_, i) => {
      row[i] = 0.8 * (centres[centre + i] as number) + 0.6 * (directions[from + i] as number);
    });
    const norm = Math.hypot(...row);
    row.forEach((value, i) => {
      row[i] = value / norm;
    });
  }
  return { vectors, count, dimension };
}
