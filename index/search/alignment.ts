import type { Span } from '../span.js';
import { similarityMatrix, type Timeline } from './timeline.js';

/** How a query lies along a video, both running at the same rate. */
export interface Alignment {
  /** Video time minus query time. */
  offsetSeconds: number;
  /** Mean similarity over all timesteps of the query, those without a counterpart counting 0. [0, 1] */
  score: number;
  /** The matching part. */
  video: Span;
  query: Span;
}

/** Offsets are tried at this fraction of a timestep. */
const OFFSETS_PER_STEP = 4;
/** Of a query at least this much (or half of it, when it is shorter) must lie in the video. */
const MIN_OVERLAP_SECONDS = 1;

/**
 * Temporal alignment by diagonal voting: for each offset, the similarities along that diagonal of the
 * [query timesteps, video timesteps] matrix are summed, interpolated between neighbouring timesteps. The best
 * diagonals that do not cover the same part of the video are returned, best first, with the run that matches.
 *
 * Cost: one matrix of q x v dot products, and q interpolations for each of the (v + q) x 4 offsets.
 *
 * @param near only offsets within this distance of one of those, for videos of which a part was read
 */
export function align(input: {
  query: Timeline;
  video: Timeline;
  maxAlignments: number;
  near?: { offsetsSeconds: readonly number[]; toleranceSeconds: number } | undefined;
}): Alignment[] {
  const { query, video, maxAlignments } = input;
  if (query.centresSeconds.length === 0 || video.centresSeconds.length === 0) return [];
  const diagonals = new Diagonals(query, video);
  const offsets = input.near ? offsetsNear(input.near, video.stepSeconds) : allOffsets(query, video);
  const scored = offsets
    .map((offsetSeconds) => ({ offsetSeconds, score: diagonals.score(offsetSeconds) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score);

  const found: Alignment[] = [];
  for (const { offsetSeconds } of scored) {
    if (found.length === maxAlignments) break;
    const alignment = describe(diagonals, refine(diagonals, offsetSeconds, video.stepSeconds), query, video);
    if (found.every((other) => overlapShare(other.video, alignment.video) < 0.5)) found.push(alignment);
  }
  return found;
}

/** Similarities along the diagonals of one query and one video. */
class Diagonals {
  readonly #query: Timeline;
  readonly #video: Timeline;
  readonly #matrix: Float32Array;

  constructor(query: Timeline, video: Timeline) {
    this.#query = query;
    this.#video = video;
    this.#matrix = similarityMatrix(query, video);
  }

  score(offsetSeconds: number): number {
    let sum = 0;
    let from = 0;
    const { centresSeconds } = this.#query;
    for (let i = 0; i < centresSeconds.length; i += 1) {
      const atSeconds = (centresSeconds[i] as number) + offsetSeconds;
      if (!this.#covers(atSeconds)) continue;
      from = this.#columnBefore(atSeconds, from);
      sum += this.#interpolate(i, from, atSeconds);
    }
    return Math.min(1, Math.max(0, sum / centresSeconds.length));
  }

  /** Similarity of each query timestep to the video at that offset; null outside the video. */
  along(offsetSeconds: number): (number | null)[] {
    let from = 0;
    return Array.from(this.#query.centresSeconds, (centre, i) => {
      const atSeconds = centre + offsetSeconds;
      if (!this.#covers(atSeconds)) return null;
      from = this.#columnBefore(atSeconds, from);
      return this.#interpolate(i, from, atSeconds);
    });
  }

  #covers(atSeconds: number): boolean {
    return atSeconds >= this.#video.startSeconds && atSeconds < this.#video.endSeconds;
  }

  /** The last column whose centre is not after that time (or the first one), searched from `from` on. */
  #columnBefore(atSeconds: number, from: number): number {
    const { centresSeconds } = this.#video;
    let column = from;
    while (column + 1 < centresSeconds.length && (centresSeconds[column + 1] as number) <= atSeconds)
      column += 1;
    return column;
  }

  #interpolate(row: number, column: number, atSeconds: number): number {
    const { centresSeconds } = this.#video;
    const width = centresSeconds.length;
    const here = this.#matrix[row * width + column] as number;
    const left = centresSeconds[column] as number;
    if (column + 1 >= width || atSeconds <= left) return here;
    const right = centresSeconds[column + 1] as number;
    const weight = (atSeconds - left) / (right - left);
    return here + weight * ((this.#matrix[row * width + column + 1] as number) - here);
  }
}

function allOffsets(query: Timeline, video: Timeline): number[] {
  const queryLength = query.endSeconds - query.startSeconds;
  const minOverlap = Math.min(
    MIN_OVERLAP_SECONDS,
    queryLength / 2,
    (video.endSeconds - video.startSeconds) / 2,
  );
  const stepSeconds = video.stepSeconds / OFFSETS_PER_STEP;
  const first = Math.ceil((video.startSeconds - query.endSeconds + minOverlap) / stepSeconds);
  const last = Math.floor((video.endSeconds - query.startSeconds - minOverlap) / stepSeconds);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * stepSeconds);
}

function offsetsNear(
  near: { offsetsSeconds: readonly number[]; toleranceSeconds: number },
  timestepSeconds: number,
): number[] {
  const stepSeconds = timestepSeconds / OFFSETS_PER_STEP;
  const steps = Math.ceil(near.toleranceSeconds / stepSeconds);
  const grid = new Set<number>();
  for (const offset of near.offsetsSeconds) {
    const centre = Math.round(offset / stepSeconds);
    for (let i = centre - steps; i <= centre + steps; i += 1) grid.add(i);
  }
  return [...grid].map((i) => i * stepSeconds);
}

/** Vertex of the parabola through the score at the offset and at its two neighbours. */
function refine(diagonals: Diagonals, offsetSeconds: number, timestepSeconds: number): number {
  const step = timestepSeconds / OFFSETS_PER_STEP;
  const before = diagonals.score(offsetSeconds - step);
  const here = diagonals.score(offsetSeconds);
  const after = diagonals.score(offsetSeconds + step);
  const curvature = before - 2 * here + after;
  if (here < before || here < after || curvature >= 0) return offsetSeconds;
  return offsetSeconds + (step * (before - after)) / (2 * curvature);
}

function describe(diagonals: Diagonals, offsetSeconds: number, query: Timeline, video: Timeline): Alignment {
  const run = matchingRun(diagonals.along(offsetSeconds));
  const half = query.stepSeconds / 2;
  const lastIndex = query.centresSeconds.length - 1;
  // A run that reaches the first or last timestep reaches the end of the query.
  const runStart = run.first === 0 ? query.startSeconds : (query.centresSeconds[run.first] as number) - half;
  const runEnd =
    run.last === lastIndex ? query.endSeconds : (query.centresSeconds[run.last] as number) + half;
  const videoSpan = {
    startSeconds: Math.max(runStart + offsetSeconds, video.startSeconds),
    endSeconds: Math.min(runEnd + offsetSeconds, video.endSeconds),
  };
  return {
    offsetSeconds,
    score: diagonals.score(offsetSeconds),
    video: videoSpan,
    query: {
      startSeconds: Math.max(query.startSeconds, videoSpan.startSeconds - offsetSeconds),
      endSeconds: Math.min(query.endSeconds, videoSpan.endSeconds - offsetSeconds),
    },
  };
}

/**
 * The run of timesteps that match: the one with the largest sum of (similarity - threshold), where the
 * threshold is half of the upper quartile, so that a gap is bridged when what follows outweighs it.
 */
function matchingRun(similarities: readonly (number | null)[]): { first: number; last: number } {
  const known = similarities.filter((value) => value !== null).sort((a, b) => a - b);
  const threshold = (known[Math.floor(known.length * 0.75)] ?? 0) / 2;
  let best = { sum: Number.NEGATIVE_INFINITY, first: 0, last: similarities.length - 1 };
  let sum = 0;
  let first = 0;
  similarities.forEach((value, i) => {
    if (sum <= 0) {
      sum = 0;
      first = i;
    }
    sum += (value ?? -1) - threshold;
    if (sum > best.sum) best = { sum, first, last: i };
  });
  return best;
}

/** Overlap as a share of the shorter of the two. */
function overlapShare(a: Span, b: Span): number {
  const overlap = Math.min(a.endSeconds, b.endSeconds) - Math.max(a.startSeconds, b.startSeconds);
  const shorter = Math.min(a.endSeconds - a.startSeconds, b.endSeconds - b.startSeconds);
  return shorter > 0 ? overlap / shorter : 0;
}
