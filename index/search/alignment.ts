import type { Span } from '../span.js';
import { type ClipTrack, clipSimilarities, timestepSimilarity } from './clip-track.js';

/** How a query lies along a video, both running at the same rate. */
export interface Alignment {
  /** Video time minus query time. */
  offsetSeconds: number;
  /** Mean similarity of the clips that fall together, times the share of the query that lies in the video. [0, 1] */
  score: number;
  /** The matching part. */
  video: Span;
  query: Span;
}

/** Distance of the offsets that are tried. */
const OFFSET_STEP_SECONDS = 0.125;
/** What a second of distance between the phases of a query clip and a video clip costs. */
const PHASE_COST_PER_SECOND = 0.2;

/**
 * Temporal alignment by diagonal voting: for each offset, the video clips that fall on the query are compared with
 * the query's clips of the same phase (interpolated between the two nearest), and the similarities are averaged.
 * The best offsets that do not cover the same part of the video are returned, best first, with the run that matches.
 *
 * Cost: one matrix of q x v products of length timesteps x dimension, and v interpolations for each of the
 * (q's length + v's length) / 0.125 s offsets, where q and v are numbers of clips.
 *
 * @param near only offsets within this distance of one of those, for videos of which a part was read
 */
export function align(input: {
  query: ClipTrack;
  video: ClipTrack;
  maxAlignments: number;
  near?: { offsetsSeconds: readonly number[]; toleranceSeconds: number } | undefined;
}): Alignment[] {
  const { query, video, maxAlignments } = input;
  if (query.startsSeconds.length === 0 || video.startsSeconds.length === 0) return [];
  const diagonals = new Diagonals(query, video);
  const scored = (input.near ? offsetsNear(input.near) : allOffsets(query, video))
    .map((offsetSeconds) => ({ offsetSeconds, score: diagonals.score(offsetSeconds) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score);

  const found: Alignment[] = [];
  for (const { offsetSeconds, score } of scored) {
    if (found.length === maxAlignments) break;
    const alignment = describe(diagonals, refine(diagonals, offsetSeconds), score);
    if (found.every((other) => overlapShare(other.video, alignment.video) < 0.5)) found.push(alignment);
  }
  return found;
}

/** A video clip that falls on the query, and the query's clips on both sides of it. */
interface Pair {
  column: number;
  /** The query clip before (or at) its phase, and how far the way to the next one it is. */
  row: number;
  weight: number;
  /** How far beyond the query's clips the phase lies. */
  beyondSeconds: number;
}

/** What is known along the diagonals of one query and one video. */
class Diagonals {
  readonly query: ClipTrack;
  readonly video: ClipTrack;
  readonly #matrix: Float32Array;
  /** How far beyond its first and last clip the query answers for video clips, so that every offset meets at least one. */
  readonly #slackSeconds: number;

  constructor(query: ClipTrack, video: ClipTrack) {
    this.query = query;
    this.video = video;
    this.#matrix = clipSimilarities(query, video);
    this.#slackSeconds = Math.max(0, (widestHop(video) - (lastStart(query) - firstStart(query))) / 2);
  }

  score(offsetSeconds: number): number {
    let sum = 0;
    let count = 0;
    this.eachPair(offsetSeconds, (pair) => {
      sum += this.#similarity(pair) * (1 - PHASE_COST_PER_SECOND * pair.beyondSeconds);
      count += 1;
    });
    if (count === 0) return 0;
    return Math.min(1, Math.max(0, (sum / count) * this.#coverage(offsetSeconds)));
  }

  eachPair(offsetSeconds: number, visit: (pair: Pair) => void): void {
    const { startsSeconds } = this.query;
    const [first, last] = [firstStart(this.query), lastStart(this.query)];
    const tolerance = this.#slackSeconds + 1e-6;
    let row = 0;
    for (let column = 0; column < this.video.startsSeconds.length; column += 1) {
      const phase = (this.video.startsSeconds[column] as number) - offsetSeconds;
      if (phase < first - tolerance) continue;
      if (phase > last + tolerance) return;
      while (row + 1 < startsSeconds.length && (startsSeconds[row + 1] as number) <= phase) row += 1;
      const here = startsSeconds[row] as number;
      const next = startsSeconds[row + 1];
      const weight = next === undefined || phase <= here ? 0 : (phase - here) / (next - here);
      visit({ column, row, weight, beyondSeconds: Math.max(0, first - phase, phase - last) });
    }
  }

  #similarity({ column, row, weight }: Pair): number {
    const columns = this.video.startsSeconds.length;
    const here = this.#matrix[row * columns + column] as number;
    if (weight === 0) return here;
    return here + weight * ((this.#matrix[(row + 1) * columns + column] as number) - here);
  }

  /** Share of the query that lies in the video. */
  #coverage(offsetSeconds: number): number {
    const { query, video } = this;
    const overlap =
      Math.min(video.endSeconds, query.endSeconds + offsetSeconds) -
      Math.max(video.startSeconds, query.startSeconds + offsetSeconds);
    return Math.min(1, Math.max(0, overlap / (query.endSeconds - query.startSeconds)));
  }
}

/** Offsets at which some query clip meets some video clip. */
function allOffsets(query: ClipTrack, video: ClipTrack): number[] {
  const first = Math.floor((firstStart(video) - lastStart(query)) / OFFSET_STEP_SECONDS);
  const last = Math.ceil((lastStart(video) - firstStart(query)) / OFFSET_STEP_SECONDS);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * OFFSET_STEP_SECONDS);
}

function offsetsNear(near: { offsetsSeconds: readonly number[]; toleranceSeconds: number }): number[] {
  const steps = Math.ceil(near.toleranceSeconds / OFFSET_STEP_SECONDS);
  const grid = new Set<number>();
  for (const offset of near.offsetsSeconds) {
    const centre = Math.round(offset / OFFSET_STEP_SECONDS);
    for (let i = centre - steps; i <= centre + steps; i += 1) grid.add(i);
  }
  return [...grid].map((i) => i * OFFSET_STEP_SECONDS);
}

/**
 * Vertex of the parabola through the score at the offset and one query hop to both sides. At these three the video
 * clips stand in the same way to the query's clips; in between, interpolation takes something off the score.
 */
function refine(diagonals: Diagonals, offsetSeconds: number): number {
  const step = Math.max(OFFSET_STEP_SECONDS, usualHop(diagonals.query));
  const before = diagonals.score(offsetSeconds - step);
  const here = diagonals.score(offsetSeconds);
  const after = diagonals.score(offsetSeconds + step);
  const curvature = before - 2 * here + after;
  if (here < before || here < after || curvature >= 0) return offsetSeconds;
  return offsetSeconds + (step * (before - after)) / (2 * curvature);
}

function describe(diagonals: Diagonals, offsetSeconds: number, score: number): Alignment {
  const { query, video } = diagonals;
  const run = matchingRun(similaritiesAlongQuery(diagonals, offsetSeconds));
  const cellSeconds = query.clipSeconds / query.timesteps;
  // Where the run reaches the first or last cell that is known, it reaches the end of the query.
  const runStart = run.first === null ? query.startSeconds : query.startSeconds + run.first * cellSeconds;
  const runEnd = run.last === null ? query.endSeconds : query.startSeconds + (run.last + 1) * cellSeconds;
  const videoStart = Math.max(runStart + offsetSeconds, video.startSeconds);
  const videoEnd = Math.min(runEnd + offsetSeconds, video.endSeconds);
  return {
    offsetSeconds,
    score,
    video: { startSeconds: videoStart, endSeconds: videoEnd },
    query: {
      startSeconds: Math.max(query.startSeconds, videoStart - offsetSeconds),
      endSeconds: Math.min(query.endSeconds, videoEnd - offsetSeconds),
    },
  };
}

/** Mean similarity of the timesteps that fall into each cell (one timestep long) of the query; null where none does. */
function similaritiesAlongQuery(diagonals: Diagonals, offsetSeconds: number): (number | null)[] {
  const { query, video } = diagonals;
  const cellSeconds = query.clipSeconds / query.timesteps;
  const length = Math.max(1, Math.ceil((query.endSeconds - query.startSeconds) / cellSeconds - 1e-6));
  const sums = new Float64Array(length);
  const counts = new Uint32Array(length);
  diagonals.eachPair(offsetSeconds, ({ column, row, weight }) => {
    const nearest = weight > 0.5 ? row + 1 : row;
    for (let t = 0; t < query.timesteps; t += 1) {
      const centre = (query.startsSeconds[nearest] as number) - query.startSeconds + (t + 0.5) * cellSeconds;
      const cell = Math.floor(centre / cellSeconds);
      if (cell < 0 || cell >= length) continue;
      sums[cell] = (sums[cell] as number) + timestepSimilarity(query, nearest, video, column, t);
      counts[cell] = (counts[cell] as number) + 1;
    }
  });
  return Array.from(sums, (sum, cell) => (counts[cell] ? sum / (counts[cell] as number) : null));
}

/**
 * The run of cells that match: the one with the largest sum of (similarity - threshold), where the threshold is
 * half of the upper quartile, so that a gap is bridged when what follows outweighs it. An end is null when the run
 * reaches the end of what is known.
 */
function matchingRun(similarities: readonly (number | null)[]): {
  first: number | null;
  last: number | null;
} {
  const known = [...similarities.entries()].flatMap(([cell, value]) =>
    value === null ? [] : [{ cell, value }],
  );
  const sorted = known.map(({ value }) => value).sort((a, b) => a - b);
  const threshold = (sorted[Math.floor(sorted.length * 0.75)] ?? 0) / 2;
  let best = { sum: Number.NEGATIVE_INFINITY, first: 0, last: known.length - 1 };
  let sum = 0;
  let first = 0;
  known.forEach(({ value }, i) => {
    if (sum <= 0) {
      sum = 0;
      first = i;
    }
    sum += value - threshold;
    if (sum > best.sum) best = { sum, first, last: i };
  });
  return {
    first: best.first === 0 ? null : (known[best.first]?.cell ?? null),
    last: best.last === known.length - 1 ? null : (known[best.last]?.cell ?? null),
  };
}

function firstStart(track: ClipTrack): number {
  return track.startsSeconds[0] as number;
}

function lastStart(track: ClipTrack): number {
  return track.startsSeconds[track.startsSeconds.length - 1] as number;
}

/** Distances of neighbouring clips; empty for a single clip. */
function hops({ startsSeconds }: ClipTrack): number[] {
  return Array.from(startsSeconds.subarray(1), (start, i) => start - (startsSeconds[i] as number));
}

function widestHop(track: ClipTrack): number {
  return Math.max(0, ...hops(track));
}

/** The median: the last clip may stand nearer to the one before, because it ends with the video. */
function usualHop(track: ClipTrack): number {
  const found = hops(track).sort((a, b) => a - b);
  return found[Math.floor(found.length / 2)] ?? 0;
}

/** Overlap as a share of the shorter of the two. */
function overlapShare(a: Span, b: Span): number {
  const overlap = Math.min(a.endSeconds, b.endSeconds) - Math.max(a.startSeconds, b.startSeconds);
  const shorter = Math.min(a.endSeconds - a.startSeconds, b.endSeconds - b.startSeconds);
  return shorter > 0 ? overlap / shorter : 0;
}
