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
