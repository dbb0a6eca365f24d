import { dot } from '../vectors/dot.js';
import type { ClipTrack } from './clip-track.js';

/** What each timestep of a track has to do with that of the same place in the next clip, [clips x timesteps] each. */
export interface ClipNeighbours {
  /** Inner product with itself. */
  squares: Float64Array;
  /** Inner product with the next; 0 in the last clip. */
  products: Float64Array;
  /** Cosine with the next; 1 in the last clip, and where nothing is known of what lies between. */
  cosines: Float64Array;
}

const known = new WeakMap<Float32Array, ClipNeighbours>();

/** Below this cosine two clips have too little in common for what lies between them to be on the way from the one to the other: there is a cut, or much time. */
const SAME_SHOT = 0.8;

/** Kept for as long as the features are. */
export function clipNeighbours({ startsSeconds, features, timesteps, dimension }: ClipTrack): ClipNeighbours {
  const before = known.get(features);
  if (before) return before;
  const rows = startsSeconds.length * timesteps;
  const squares = new Float64Array(rows);
  const products = new Float64Array(rows);
  const cosines = new Float64Array(rows).fill(1);
  for (let row = 0; row < rows; row += 1) {
    squares[row] = dot(features, row, features, row, dimension);
    if (row + timesteps >= rows) continue;
    const cosine = dot(features, row, features, row + timesteps, dimension);
    products[row] = cosine;
    if (cosine >= SAME_SHOT) cosines[row] = cosine;
  }
  const found = { squares, products, cosines };
  known.set(features, found);
  return found;
}

/** Length of what lies `between` two unit vectors of this cosine, [0, 1] of the way from the one to the other. */
export function lengthBetween(between: number, cosine: number): number {
  return Math.sqrt(1 - 2 * between * (1 - between) * (1 - cosine));
}
