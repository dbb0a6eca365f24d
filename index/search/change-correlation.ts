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
  const { dimension } = query;
  const [meanLeft, meanRight] = [new Float64Array(dimension), new Float64Array(dimension)];
  const moments = matchedMoments(query, video, match);
  const total = moments.reduce((sum, { weight }) => sum + weight, 0);
  if (moments.length < LEAST_MOMENTS) return null;
  let [products, squaresLeft, squaresRight] = [0, 0, 0];
  for (const { left, right, weight } of moments) {
    const share = weight / total;
    for (let d = 0; d < dimension; d += 1) {
      const [x, y] = [left[d] as number, right[d] as number];
      meanLeft[d] = (meanLeft[d] as number) + share * x;
      meanRight[d] = (meanRight[d] as number) + share * y;
      products += share * x * y;
      squaresLeft += share * x * x;
      squaresRight += share * y * y;
    }
  }
  const inner = (one: Float64Array, other: Float64Array) =>
    one.reduce((sum, value, d) => sum + value * (other[d] as number), 0);
  const changeLeft = squaresLeft - inner(meanLeft, meanLeft);
  const changeRight = squaresRight - inner(meanRight, meanRight);
  if (Math.min(changeLeft, changeRight) < LEAST_CHANGE) return null;
  return (products - inner(meanLeft, meanRight)) / Math.sqrt(changeLeft * changeRight);
}

interface Moment {
  /** Timesteps, [dimension]; that of the query lies between two of its clips. */
  left: Float64Array;
  right: Float32Array;
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
      const rows = near.rows.map((row) => row * timesteps + place) as [number, number];
      const weight = Math.min(
        videoWeights[number] as number,
        ...rows.map((row) => queryWeights[row] as number),
      );
      if (weight === 0) continue;
      const left = new Float64Array(dimension);
      for (let d = 0; d < dimension; d += 1) {
        const [before, after] = rows.map((row) => query.features[row * dimension + d] as number) as [
          number,
          number,
        ];
        left[d] = before + near.between * (after - before);
      }
      moments.push({
        left,
        right: video.features.subarray(number * dimension, (number + 1) * dimension),
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
