import { dot } from '../vectors/dot.js';
import type { ClipTrack } from './clip-track.js';

const known = new WeakMap<Float32Array, Float32Array>();

/** Below this cosine two clips have too little in common for what lies between them to be on the way from the one to the other: there is a cut, or much time. */
const SAME_SHOT = 0.8;

/**
 * Of each timestep, the cosine with that of the same place in the next clip, [clips x timesteps]; 1 in the last clip, and where nothing is known of what lies between.
 * Kept for as long as the features are.
 */
export function neighbourCosines({ startsSeconds, features, timesteps, dimension }: ClipTrack): Float32Array {
  const before = known.get(features);
  if (before) return before;
  const found = new Float32Array(startsSeconds.length * timesteps).fill(1);
  for (let row = 0; row + timesteps < found.length; row += 1) {
    const cosine = dot(features, row, features, row + timesteps, dimension);
    if (cosine >= SAME_SHOT) found[row] = cosine;
  }
  known.set(features, found);
  return found;
}

/** Length of what lies `between` two unit vectors of this cosine, [0, 1] of the way from the one to the other. */
export function lengthBetween(between: number, cosine: number): number {
  return Math.sqrt(1 - 2 * between * (1 - between) * (1 - cosine));
}
