import type { AlignedPart } from './alignment.js';
import { timestepWeights } from './boilerplate/moment-weights.js';
import type { ClipTrack } from './clip-track.js';

/** Below this mean square of what changes, of unit vectors, there is hardly more than the noise of compression to compare. */
const LEAST_CHANGE = 0.02;
const LEAST_MOMENTS = 3;

/**
 * How far the changes within a match are the same in query and video: the correlation of their timesteps about their means over the match, [-1, 1].
 * What stays the same all along (the room, the people, the camera) is in the means, and counts for nothing; so another take of a scene, which looks alike and
 * moves otherwise, correlates little. Moments count by their weight: that boilerplate ends where other footage begins is no change of the footage. Null
 * where hardly anything changes or too few moments match.
 */
export function changeCorrelation(
  query: ClipTrack,
  video: ClipTrack,
  match: { parts: readonly AlignedPart[]; speed: number },
): number | null {
  const { dimension, features } = query;
  const { features: videoFeatures } = video;
  const moments = matchedMoments(query, video, match);
  if (moments.length < LEAST_MOMENTS) return null;
  // Sums by weight, over the moments; [dimension].
  const [sumLeft, sumRight] = [new Float64Array(dimension), new Float64Array(dimension)];
  let [total, products, squaresLeft, squaresRight] = [0, 0, 0, 0];
  for (const { before, after, between, right, weight } of moments) {
    let product = 0;
    let squareLeft = 0;
    let squareRight = 0;
    for (let d = 0; d < dimension; d += 1) {
      const from = features[before + d] as number;
      const x = from + between * ((features[after + d] as number) - from);
      const y = videoFeatures[right + d] as number;
      sumLeft[d] = (sumLeft[d] as number) + weight * x;
      sumRight[d] = (sumRight[d] as number) + weight * y;
      product += x * y;
      squareLeft += x * x;
      squareRight += y * y;
    }
    total += weight;
    products += weight * product;
    squaresLeft += weight * squareLeft;
    squaresRight += weight * squareRight;
  }
  const aboutMeans = (squares: number, one: Float64Array, other: Float64Array) =>
    squares / total - inner(one, other) / total ** 2;
  const changeLeft = aboutMeans(squaresLeft, sumLeft, sumLeft);
  const changeRight = aboutMeans(squaresRight, sumRight, sumRight);
  if (Math.min(changeLeft, changeRight) < LEAST_CHANGE) return null;
  return aboutMeans(products, sumLeft, sumRight) / Math.sqrt(changeLeft * changeRight);
}

function inner(one: Float64Array, other: Float64Array): number {
  let sum = 0;
  for (let d = 0; d < one.length; d += 1) sum += (one[d] as number) * (other[d] as number);
  return sum;
}

/** A timestep of the video and what of the query lies on it. Hundreds of them a search: places in the features, not copies. */
interface Moment {
  /** Where the timesteps of the query begin between which it lies, and how far on the way from the one to the other. */
  before: number;
  after: number;
  between: number;
  /** Where that of the video begins. */
  right: number;
  weight: number;
}

/** Timesteps of the video within the match, each with what the query shows at the same moment and place of a clip. */
function matchedMoments(
  query: ClipTrack,
  video: ClipTrack,
  { parts, speed }: { parts: readonly AlignedPart[]; speed: number },
): Moment[] {
  const { timesteps, dimension, clipSeconds } = query;
  const [queryWeights, videoWeights] = [timestepWeights(query), timestepWeights(video)];
  const moments: Moment[] = [];
  for (const part of parts) {
    const offsetSeconds = part.video.startSeconds - speed * part.query.startSeconds;
    for (let number = 0; number < video.startsSeconds.length * timesteps; number += 1) {
      const place = number % timesteps;
      const phaseSeconds = ((place + 0.5) * clipSeconds) / timesteps;
      const videoSeconds = (video.startsSeconds[(number - place) / timesteps] as number) + phaseSeconds;
      const at = (videoSeconds - offsetSeconds) / speed;
      if (videoSeconds >= video.endSeconds || at < part.query.startSeconds || at >= part.query.endSeconds)
        continue;
      const near = clipsNear(query, at - phaseSeconds);
      if (near === null) continue;
      const before = near.rows[0] * timesteps + place;
      const after = near.rows[1] * timesteps + place;
      const weight = Math.min(
        videoWeights[number] as number,
        queryWeights[before] as number,
        queryWeights[after] as number,
      );
      if (weight === 0) continue;
      moments.push({
        before: before * dimension,
        after: after * dimension,
        between: near.between,
        right: number * dimension,
        weight,
      });
    }
  }
  return moments;
}

/** The clips between which one that starts there would lie, and how far on the way from the one to the other; null when there are none. */
function clipsNear(
  { startsSeconds }: ClipTrack,
  seconds: number,
): { rows: [number, number]; between: number } | null {
  const last = startsSeconds.length - 1;
  const slack = last === 0 ? 0.5 : ((startsSeconds[1] as number) - (startsSeconds[0] as number)) / 2;
  if (seconds < (startsSeconds[0] as number) - slack || seconds > (startsSeconds[last] as number) + slack)
    return null;
  let row = 0;
  while (row < last && (startsSeconds[row + 1] as number) <= seconds) row += 1;
  if (row === last) return { rows: [row, row], between: 0 };
  const [from, to] = [startsSeconds[row] as number, startsSeconds[row + 1] as number];
  return { rows: [row, row + 1], between: Math.min(1, Math.max(0, (seconds - from) / (to - from))) };
}
