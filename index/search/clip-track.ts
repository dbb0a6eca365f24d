import type { Span } from '../span.js';
import { dot } from '../vectors/dot.js';

/** The clips of a video in order of time, with the timestep features of each. */
export interface ClipTrack extends Span {
  /** Where each clip starts, ascending; the span is what of the video the track covers. */
  startsSeconds: Float64Array;
  /** [startsSeconds.length, timesteps, dimension], each timestep unit-norm. */
  features: Float32Array;
  timesteps: number;
  dimension: number;
  clipSeconds: number;
}

export function buildClipTrack(input: {
  clips: readonly { startSeconds: number; timesteps: Float32Array }[];
  dimension: number;
  timesteps: number;
  clipSeconds: number;
  span: Span;
}): ClipTrack {
  const { clips, dimension, timesteps, clipSeconds, span } = input;
  const features = new Float32Array(clips.length * timesteps * dimension);
  clips.forEach((clip, i) => {
    features.set(clip.timesteps, i * timesteps * dimension);
  });
  return {
    startsSeconds: Float64Array.from(clips, (clip) => clip.startSeconds),
    features,
    timesteps,
    dimension,
    clipSeconds,
    startSeconds: span.startSeconds,
    endSeconds: span.endSeconds,
  };
}

/**
 * Similarity of each query clip to each video clip, [query clips, video clips], row-major: the mean over the
 * timesteps of the cosine between timesteps of the same place in their clip. Places are not mixed, because the
 * encoder sees more of the surroundings in the middle of a clip than at its ends, and because TCLR's global-local
 * loss teaches it to tell the places of a clip apart.
 */
export function clipSimilarities(query: ClipTrack, video: ClipTrack): Float32Array {
  const rows = query.startsSeconds.length;
  const columns = video.startsSeconds.length;
  const length = query.timesteps * query.dimension;
  const matrix = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i += 1) {
    for (let j = 0; j < columns; j += 1) {
      matrix[i * columns + j] = dot(query.features, i, video.features, j, length) / query.timesteps;
    }
  }
  return matrix;
}

/** Cosine of one timestep of a query clip with the same timestep of a video clip. */
export function timestepSimilarity(
  query: ClipTrack,
  row: number,
  video: ClipTrack,
  column: number,
  timestep: number,
): number {
  const { timesteps, dimension } = query;
  return dot(
    query.features,
    row * timesteps + timestep,
    video.features,
    column * timesteps + timestep,
    dimension,
  );
}
