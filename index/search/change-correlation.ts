import { sumRows } from '../simd/weighted-rows.js';
import type { AlignedPart } from './alignment.js';
import { timestepWeights } from './boilerplate/moment-weights.js';
import { firstStart, lastStart, usualHop } from './clip-track.js';
import type { SimilarityField } from './similarity-field.js';

/** Below this mean square of what changes, of unit vectors, there is hardly more than the noise of compression to compare. */
const LEAST_CHANGE = 0.02;
const LEAST_MOMENTS = 3;
/** How far beyond the only clip of a query something may begin that is compared with it; with more clips it is half of their hop. */
const SINGLE_CLIP_REACH_SECONDS = 0.5;

/**
 * How far the changes within a match are the same in query and video: the correlation of their timesteps about their means over the match, [-1, 1].
 * What stays the same all along (the room, the people, the camera) is in the means, and counts for nothing; so another take of a scene, which looks alike and
 * moves otherwise, correlates little. Moments count by their weight: that boilerplate ends where other footage begins is no change of the footage. Null
 * where hardly anything changes or too few moments match.
 */
export function changeCorrelation(
  field: SimilarityField,
  match: { parts: readonly AlignedPart[]; speed: number },
): number | null {
  const sums = sumsOver(field, match);
  if (sums.moments < LEAST_MOMENTS) return null;
  const { dimension } = field.query;
  const { sum: left } = sumRows(field.query.features, sums.queryShares, dimension);
  const { sum: right, squares } = sumRows(field.video.features, sums.videoShares, dimension);
  const { total } = sums;
  const aboutMeans = (products: number, one: Float32Array, other: Float32Array) =>
    products / total - inner(one, other) / total ** 2;
  const changeLeft = aboutMeans(sums.querySquares, left, left);
  const changeRight = aboutMeans(squares, right, right);
  if (Math.min(changeLeft, changeRight) < LEAST_CHANGE) return null;
  return aboutMeans(sums.products, left, right) / Math.sqrt(changeLeft * changeRight);
}

/** Sums over the moments of a match, each by its weight. What a moment of the query shows lies between two of its timesteps. */
interface MomentSums {
  moments: number;
  total: number;
  products: number;
  querySquares: number;
  /** How much of each timestep is in the sum of the moments, [clips x timesteps]. */
  queryShares: Float32Array;
  videoShares: Float32Array;
}

function sumsOver(
  field: SimilarityField,
  { parts, speed }: { parts: readonly AlignedPart[]; speed: number },
): MomentSums {
  const { query, video, points, neighbours, sampled } = field;
  const { timesteps } = query;
  const { values, stride } = field.cosines;
  const weights = field.hasBoilerplate ? [timestepWeights(query), timestepWeights(video)] : null;
  const queryShares = new Float32Array(query.startsSeconds.length * timesteps);
  const videoShares = new Float32Array(video.startsSeconds.length * timesteps);
  const reach = usualHop(query) / 2 || SINGLE_CLIP_REACH_SECONDS;
  const sums = { moments: 0, total: 0, products: 0, querySquares: 0 };
  for (const part of parts) {
    const offsetSeconds = part.video.startSeconds - speed * part.query.startSeconds;
    const count = field.sample({ offsetSeconds, speed });
    for (let i = 0; i < count; i += 1) {
      const at = sampled.seconds[i] as number;
      if (at < part.query.startSeconds || at >= part.query.endSeconds) continue;
      const point = sampled.points[i] as number;
      const start = at - (points.phases[point] as number);
      if (start < firstStart(query) - reach || start > lastStart(query) + reach) continue;
      const row = sampled.rows[i] as number;
      const after = sampled.betweens[i] as number;
      const before = 1 - after;
      const number = points.numbers[point] as number;
      const one = row * timesteps + (points.places[point] as number);
      // Of the last clip there is no next one, and nothing lies between.
      const other = after > 0 ? one + timesteps : one;
      let weight = 1;
      if (weights) {
        const [ofQuery, ofVideo] = weights as [Float64Array, Float64Array];
        weight = Math.min(ofVideo[number] as number, ofQuery[one] as number, ofQuery[other] as number);
        if (weight === 0) continue;
      }
      const base = (points.bases[point] as number) + row * stride;
      const next = after > 0 ? (values[base + stride] as number) : 0;
      sums.moments += 1;
      sums.total += weight;
      sums.products += weight * (before * (values[base] as number) + after * next);
      sums.querySquares +=
        weight *
        (before * before * (neighbours.squares[one] as number) +
          after * after * (neighbours.squares[other] as number) +
          2 * before * after * (neighbours.products[one] as number));
      queryShares[one] = (queryShares[one] as number) + weight * before;
      queryShares[other] = (queryShares[other] as number) + weight * after;
      videoShares[number] = (videoShares[number] as number) + weight;
    }
  }
  return { ...sums, queryShares, videoShares };
}

function inner(one: Float32Array, other: Float32Array): number {
  let sum = 0;
  for (let d = 0; d < one.length; d += 1) sum += (one[d] as number) * (other[d] as number);
  return sum;
}
