import { lengthBetween } from './clip-neighbours.js';
import type { Line, SimilarityField } from './similarity-field.js';

/** How far a point speaks for a stretch of the query for which there is no other. */
export const REACH_SECONDS = 1;

/**
 * The largest sum of (similarity - threshold) x seconds of query over a run of points along the line. A point stands for what is nearer to
 * it than to its neighbours, so that lines of different speeds, which meet more or fewer points, compare.
 */
export function evidenceOf(field: SimilarityField, line: Line, threshold: number): number {
  const { query, video } = field;
  const { offsetSeconds, speed } = line;
  const start = Math.max(query.startSeconds, (video.startSeconds - offsetSeconds) / speed);
  const end = Math.min(query.endSeconds, (video.endSeconds - offsetSeconds) / speed);
  const count = field.sample(line);
  if (count === 0) return 0;
  const { seconds, similarities } = field.sampled;
  let sum = 0;
  let best = 0;
  let here = seconds[0] as number;
  let border = Math.max(start, here - REACH_SECONDS);
  for (let i = 0; i + 1 < count; i += 1) {
    const next = seconds[i + 1] as number;
    const to = (here + next) / 2;
    sum = Math.max(0, sum + ((similarities[i] as number) - threshold) * (to - border));
    best = Math.max(best, sum);
    border = to;
    here = next;
  }
  const to = Math.max(border, Math.min(end, here + REACH_SECONDS));
  return Math.max(best, sum + ((similarities[count - 1] as number) - threshold) * (to - border));
}

/** How finely the query is gone through for the bound. */
const CELL_SECONDS = 0.125;
/** A timestep stands for what is nearer to it than to the next: at half the speed that is a second of the query away. */
const STANDS_FOR_CELLS = 0.5 / CELL_SECONDS;

/**
 * No line of any speed has more evidence: each moment of the query beside whatever of the video is most like a timestep that may stand for it, or like what lies
 * between two of them, which may be more like the video than either.
 */
export function evidenceBound(field: SimilarityField, threshold: number): number {
  const { query } = field;
  const cells = Math.max(1, Math.ceil(field.querySeconds / CELL_SECONDS));
  const most = field.memory.float64(cells).fill(threshold);
  const highest = field.highestCosines();
  const clips = query.startsSeconds.length;
  for (let place = 0; place < query.timesteps; place += 1) {
    const phaseSeconds = ((place + 0.5) * query.clipSeconds) / query.timesteps;
    let row = 0;
    for (let cell = 0; cell < cells; cell += 1) {
      const wanted = query.startSeconds + (cell + 0.5) * CELL_SECONDS - phaseSeconds;
      while (row + 1 < clips && (query.startsSeconds[row + 1] as number) <= wanted) row += 1;
      const next = Math.min(row + 1, clips - 1);
      const higher = Math.max(
        highest[place * clips + row] as number,
        highest[place * clips + next] as number,
      );
      const shortest = lengthBetween(0.5, field.neighbours.cosines[row * query.timesteps + place] as number);
      most[cell] = Math.max(most[cell] as number, Math.min(1, higher / shortest));
    }
  }
  let sum = 0;
  for (let cell = 0; cell < cells; cell += 1) {
    let highestNear = threshold;
    const end = Math.min(cells, cell + STANDS_FOR_CELLS + 1);
    for (let near = Math.max(0, cell - STANDS_FOR_CELLS); near < end; near += 1) {
      if ((most[near] as number) > highestNear) highestNear = most[near] as number;
    }
    sum += highestNear - threshold;
  }
  return (sum * field.querySeconds) / cells;
}
