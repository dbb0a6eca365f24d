import type { MediaLimits } from './types.js';

const ALWAYS_ALLOWED_SECONDS = 60;

/** The limits of a file of this size: `minBytesPerSecond` is taken into `maxDurationSeconds`. */
export function limitsFor(limits: MediaLimits, fileBytes: number): MediaLimits {
  const { maxDurationSeconds, minBytesPerSecond } = limits;
  if (minBytesPerSecond === null) return limits;
  const bySize = Math.round(ALWAYS_ALLOWED_SECONDS + fileBytes / minBytesPerSecond);
  return { ...limits, maxDurationSeconds: Math.min(bySize, maxDurationSeconds ?? bySize) };
}
