import type { SegmentTrack } from '../library/types.js';
import type { Span } from '../span.js';
import type { ClipShape } from './embedded-query.js';

/** The clips of a video in order of time, with the timestep features of each. */
export interface ClipTrack extends Span {
  /** Where each clip starts, ascending; the span is what of the video the track covers. */
  startsSeconds: Float64Array;
  /** [startsSeconds.length, timesteps, dimension], each timestep unit-norm. */
  features: Float32Array;
  /** What a second of each clip counts for in a match, [startsSeconds.length]: 1, less for boilerplate. */
  weights: Float64Array;
  timesteps: number;
  dimension: number;
  clipSeconds: number;
}

export function buildClipTrack(input: {
  clips: readonly { startSeconds: number; timesteps: Float32Array; weight?: number | undefined }[];
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
    weights: Float64Array.from(clips, (clip) => clip.weight ?? 1),
    timesteps,
    dimension,
    clipSeconds,
    startSeconds: span.startSeconds,
    endSeconds: span.endSeconds,
  };
}

/** The segments of a stretch of a stored video. */
export function clipTrackOf(stored: SegmentTrack, shape: ClipShape, span: Span): ClipTrack {
  const { startsSeconds, weights, timesteps: features } = stored;
  const { startSeconds, endSeconds } = span;
  return { startsSeconds, features, weights, ...shape, startSeconds, endSeconds };
}

export function firstStart(track: ClipTrack): number {
  return track.startsSeconds[0] as number;
}

export function lastStart(track: ClipTrack): number {
  return track.startsSeconds[track.startsSeconds.length - 1] as number;
}

/** The first hop: the last clip may stand nearer to the one before, because it ends with the video. 0 for a single clip. */
export function usualHop({ startsSeconds }: ClipTrack): number {
  return startsSeconds.length < 2 ? 0 : (startsSeconds[1] as number) - (startsSeconds[0] as number);
}
