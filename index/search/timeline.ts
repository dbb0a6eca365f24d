import { dot } from './dot.js';

/** Timestep features along the time of one video: one unit-norm vector per moment, ascending. */
export interface Timeline {
  /** Centre of each timestep, seconds from the start of the video. */
  centresSeconds: Float64Array;
  /** [centresSeconds.length, dimension], row-major. */
  features: Float32Array;
  dimension: number;
  /** Length of one timestep. */
  stepSeconds: number;
  /** What the timeline covers: all of the video, or the part that was read. [start, end) */
  startSeconds: number;
  endSeconds: number;
}

/**
 * Lays the timesteps of overlapping clips on one time line. The same moment seen in several clips is averaged:
 * each clip sees it at another place of its receptive field. Timesteps that lie wholly behind the end of the
 * video (repeated frames of a short one) say nothing new and are left out.
 */
export function buildTimeline(input: {
  segments: readonly { startSeconds: number; timesteps: Float32Array }[];
  dimension: number;
  timestepsPerClip: number;
  clipSeconds: number;
  startSeconds: number;
  endSeconds: number;
}): Timeline {
  const { segments, dimension, timestepsPerClip, clipSeconds, startSeconds, endSeconds } = input;
  const stepSeconds = clipSeconds / timestepsPerClip;
  // Moments nearer than an eighth of a step are one.
  const resolutionSeconds = stepSeconds / 8;
  const sums = new Map<number, Float32Array>();
  for (const segment of segments) {
    for (let t = 0; t < timestepsPerClip; t += 1) {
      const timestepStart = segment.startSeconds + t * stepSeconds;
      if (t > 0 && timestepStart >= endSeconds - resolutionSeconds) break;
      const slot = Math.round((timestepStart + stepSeconds / 2) / resolutionSeconds);
      const feature = segment.timesteps.subarray(t * dimension, (t + 1) * dimension);
      const sum = sums.get(slot);
      if (sum) addInto(sum, feature);
      else sums.set(slot, feature.slice());
    }
  }
  const slots = [...sums.keys()].sort((a, b) => a - b);
  const features = new Float32Array(slots.length * dimension);
  slots.forEach((slot, i) => {
    features.set(unit(sums.get(slot) as Float32Array), i * dimension);
  });
  return {
    centresSeconds: Float64Array.from(slots, (slot) => slot * resolutionSeconds),
    features,
    dimension,
    stepSeconds,
    startSeconds,
    endSeconds,
  };
}

/** Cosine similarities [query timesteps, video timesteps], row-major. */
export function similarityMatrix(query: Timeline, video: Timeline): Float32Array {
  const rows = query.centresSeconds.length;
  const columns = video.centresSeconds.length;
  const matrix = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i += 1) {
    for (let j = 0; j < columns; j += 1) {
      matrix[i * columns + j] = dot(
        query.features,
        i * query.dimension,
        video.features,
        j * video.dimension,
        query.dimension,
      );
    }
  }
  return matrix;
}

function addInto(sum: Float32Array, values: Float32Array): void {
  for (let d = 0; d < sum.length; d += 1) sum[d] = (sum[d] as number) + (values[d] as number);
}

function unit(values: Float32Array): Float32Array {
  const norm = Math.sqrt(dot(values, 0, values, 0, values.length));
  return norm > 0 ? values.map((value) => value / norm) : values;
}
