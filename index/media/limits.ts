import { availableParallelism } from 'node:os';
import type { MediaLimits } from './types.js';

/**
 * Bounds for files of one's own archive. Uploads of strangers deserve a `timeoutMs` and a `maxDurationSeconds` as well.
 * 8192 x 4320 (8K) is the largest frame that cameras write; a larger one is more likely an attempt to fill the memory.
 */
export const defaultMediaLimits: MediaLimits = Object.freeze({
  timeoutMs: null,
  stallTimeoutMs: 60_000,
  cpuSeconds: null,
  // Frames of 8192 x 8192 took 0.75 GB; address space is more than what is used of it.
  memoryBytes: 4 * 1024 ** 3,
  maxPixels: 8192 * 4320,
  maxDurationSeconds: null,
  minBytesPerSecond: null,
  // Each decoding thread holds frames of its own, so memory grows with it.
  threads: Math.min(2, availableParallelism()),
});
