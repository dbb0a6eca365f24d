interface WeightedClips {
  startsSeconds: ArrayLike<number>;
  clipSeconds: number;
  /** Of each clip. */
  weights: ArrayLike<number>;
}

/**
 * What a moment counts for: the least weight of the clips that cover it. A clip is boilerplate when all of it is, so each of its moments is,
 * also where another clip sees past its end.
 */
export function weightAt({ startsSeconds, clipSeconds, weights }: WeightedClips, seconds: number): number {
  let least = 1;
  for (let i = 0; i < startsSeconds.length; i += 1) {
    const start = startsSeconds[i] as number;
    if (start > seconds) break;
    if (seconds < start + clipSeconds) least = Math.min(least, weights[i] as number);
  }
  return least;
}

/** Of every timestep of every clip, [clips, timesteps]. */
export function timestepWeights(clips: WeightedClips & { timesteps: number }): Float64Array {
  const { startsSeconds, clipSeconds, timesteps, weights } = clips;
  const found = new Float64Array(startsSeconds.length * timesteps).fill(1);
  const cellSeconds = clipSeconds / timesteps;
  for (let i = 0; i < startsSeconds.length; i += 1) {
    // Most clips lie among others that count in full.
    if (!isNearLesser(clips, i)) continue;
    for (let place = 0; place < timesteps; place += 1) {
      const seconds = (startsSeconds[i] as number) + (place + 0.5) * cellSeconds;
      found[i * timesteps + place] = Math.min(weights[i] as number, weightAt(clips, seconds));
    }
  }
  return found;
}

/** Of each clip, the share of its timesteps that count for anything. */
export function ownShares(weights: Float64Array, timesteps: number): Float64Array {
  return Float64Array.from({ length: weights.length / timesteps }, (_, clip) => {
    const own = weights.subarray(clip * timesteps, (clip + 1) * timesteps);
    return own.filter((weight) => weight > 0).length / timesteps;
  });
}

function isNearLesser({ startsSeconds, clipSeconds, weights }: WeightedClips, clip: number): boolean {
  const start = startsSeconds[clip] as number;
  for (let i = clip; i >= 0 && (startsSeconds[i] as number) > start - clipSeconds; i -= 1) {
    if ((weights[i] as number) < 1) return true;
  }
  for (let i = clip; i < startsSeconds.length && (startsSeconds[i] as number) < start + clipSeconds; i += 1) {
    if ((weights[i] as number) < 1) return true;
  }
  return false;
}
