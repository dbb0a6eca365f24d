import type { Line, SimilarityField } from './similarity-field.js';

/** A line and what speaks for it. */
export interface ScoredLine extends Line {
  /** Largest sum, over a run of the query, of (similarity - threshold) x seconds. */
  evidence: number;
}

/** Distance of the offsets that are tried. */
export const OFFSET_STEP_SECONDS = 0.125;
/** Speeds that are tried, then refined. Neighbours differ by so little that two seconds to both sides of the middle keep step. */
const SPEEDS = [0.5, 0.56, 0.63, 0.71, 0.8, 0.89, 1, 1.12, 1.25, 1.41, 1.59, 1.78, 2] as const;
/**
 * What another speed than that of the video must win, for each second of the query: most people change none, and with a free choice of the
 * speed some part of any similar video fits better than it should.
 */
export function speedCost(speed: number): number {
  return speed === 1 ? 0 : SPEED_COST + SPEED_COST_PER_OCTAVE * Math.abs(Math.log2(speed));
}

const SPEED_COST = 0.005;
const SPEED_COST_PER_OCTAVE = 0.06;
/**
 * By how much its best line must stand out from all lines that are not near it, for each second of the query: where a scene hardly changes, other speeds
 * win by what compression does to the picture, anywhere in the video.
 */
const SPEED_PROMINENCE = 0.07;
const NEAR_SECONDS = 1;

/** Offsets that are tried; everywhere unless `near` says otherwise, for videos of which parts were read. */
export interface OffsetWindow {
  offsetsSeconds: readonly number[];
  toleranceSeconds: number;
}

/** How far a point speaks for a stretch of the query for which there is no other. */
const REACH_SECONDS = 1;

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
  let border = Math.max(start, (seconds[0] as number) - REACH_SECONDS);
  for (let i = 0; i < count; i += 1) {
    const here = seconds[i] as number;
    const to =
      i + 1 < count
        ? (here + (seconds[i + 1] as number)) / 2
        : Math.max(border, Math.min(end, here + REACH_SECONDS));
    sum = Math.max(0, sum + ((similarities[i] as number) - threshold) * (to - border));
    if (sum > best) best = sum;
    border = to;
  }
  return best;
}

/**
 * The best lines of one speed (the same for query and video, unless another fits clearly better), best first, none of them
 * nearer to a better one than a quarter of a second.
 */
export function findLines(
  field: SimilarityField,
  options: { threshold: number; count: number; near?: OffsetWindow | undefined; anySpeed: boolean },
): ScoredLine[] {
  const { threshold, near } = options;
  let best = atSpeed(field, 1, threshold, near);
  const seconds = field.querySeconds;
  let top = best[0]?.evidence ?? 0;
  if (options.anySpeed) {
    for (const speed of SPEEDS) {
      if (speed === 1) continue;
      const lines = atSpeed(field, speed, threshold, near);
      const net = (lines[0]?.evidence ?? 0) - speedCost(speed) * seconds;
      if (net > top && prominenceOf(lines) >= SPEED_PROMINENCE * seconds) {
        best = lines;
        top = net;
      }
    }
  }
  const [first] = best;
  if (!first) return [];
  const refined =
    first.speed === 1 ? refineOffset(field, first, threshold) : refineBoth(field, first, threshold);
  const others = apart(best.slice(1), refined, options.count - 1).map((line) =>
    refineOffset(field, { ...line, speed: refined.speed }, threshold),
  );
  return [refined, ...others].filter(({ evidence }) => evidence > 0);
}

/** What the first line has more than any that is not near it. */
function prominenceOf(lines: readonly ScoredLine[]): number {
  const [first] = lines;
  if (!first) return 0;
  const other = lines.find(
    ({ offsetSeconds }) => Math.abs(offsetSeconds - first.offsetSeconds) > NEAR_SECONDS,
  );
  return first.evidence - (other?.evidence ?? 0);
}

/** All offsets at one speed that have any evidence, best first. */
function atSpeed(
  field: SimilarityField,
  speed: number,
  threshold: number,
  near: OffsetWindow | undefined,
): ScoredLine[] {
  const steps = offsetsAt(field, speed, near);
  const at = (step: number): ScoredLine => {
    const line = { offsetSeconds: step * OFFSET_STEP_SECONDS, speed };
    return { ...line, evidence: evidenceOf(field, line, threshold) };
  };
  // Evidence changes little from step to step: first every other one, then those beside the good ones.
  const coarse = new Map(steps.filter((step) => step % 2 === 0).map((step) => [step, at(step)]));
  let most = 0;
  for (const { evidence } of coarse.values()) most = Math.max(most, evidence);
  const isGood = (step: number) => (coarse.get(step)?.evidence ?? 0) >= GOOD_SHARE * most;
  const fine = steps
    .filter((step) => step % 2 !== 0 && (isGood(step - 1) || isGood(step + 1)))
    .map((step) => at(step));
  return [...coarse.values(), ...fine]
    .filter(({ evidence }) => evidence > 0)
    .sort((a, b) => b.evidence - a.evidence);
}

/** Of the best evidence of every other step, so much makes the steps beside it worth a look. */
const GOOD_SHARE = 0.5;

/** Offsets, in steps, at which the query and the video meet; with a window, those that lay a middle of the query there. */
function offsetsAt(field: SimilarityField, speed: number, near: OffsetWindow | undefined): number[] {
  const { query, video } = field;
  const grid = new Set<number>();
  if (near) {
    const steps = Math.ceil(near.toleranceSeconds / OFFSET_STEP_SECONDS);
    const middle = (query.startSeconds + query.endSeconds) / 2;
    for (const offset of near.offsetsSeconds) {
      const centre = Math.round((offset + (1 - speed) * middle) / OFFSET_STEP_SECONDS);
      for (let i = centre - steps; i <= centre + steps; i += 1) grid.add(i);
    }
  } else {
    const first = Math.floor((video.startSeconds - speed * query.endSeconds) / OFFSET_STEP_SECONDS);
    const last = Math.ceil((video.endSeconds - speed * query.startSeconds) / OFFSET_STEP_SECONDS);
    for (let i = first; i <= last; i += 1) grid.add(i);
  }
  return [...grid];
}

const APART_SECONDS = 0.25;

function apart(lines: readonly ScoredLine[], first: Line, count: number): ScoredLine[] {
  const kept: ScoredLine[] = [];
  for (const line of lines) {
    if (kept.length === count) break;
    const near = (other: Line) => Math.abs(other.offsetSeconds - line.offsetSeconds) < APART_SECONDS - 1e-9;
    if (!near(first) && !kept.some(near)) kept.push(line);
  }
  return kept;
}

/**
 * Vertex of the parabola through the evidence at the offset and one query hop to both sides. At these three the video's
 * clips stand in the same way to the query's clips; in between, interpolation takes something off.
 */
function refineOffset(field: SimilarityField, line: Line, threshold: number): ScoredLine {
  const { startsSeconds } = field.query;
  const hop = startsSeconds.length < 2 ? 0 : (startsSeconds[1] as number) - (startsSeconds[0] as number);
  const step = Math.max(OFFSET_STEP_SECONDS, Math.min(hop, 0.5));
  const at = (offsetSeconds: number) => evidenceOf(field, { ...line, offsetSeconds }, threshold);
  const before = at(line.offsetSeconds - step);
  const here = at(line.offsetSeconds);
  const after = at(line.offsetSeconds + step);
  const curvature = before - 2 * here + after;
  if (here < before || here < after || curvature >= 0) return { ...line, evidence: here };
  const offsetSeconds = line.offsetSeconds + (step * (before - after)) / (2 * curvature);
  return { ...line, offsetSeconds, evidence: Math.max(here, at(offsetSeconds)) };
}

/** Turns and shifts the line about the middle of the query in ever smaller steps, as long as that wins anything. */
function refineBoth(field: SimilarityField, line: Line, threshold: number): ScoredLine {
  const { query } = field;
  const middle = (query.startSeconds + query.endSeconds) / 2;
  let best: ScoredLine = { ...line, evidence: evidenceOf(field, line, threshold) };
  for (const part of [0.5, 0.25, 0.125]) {
    for (let round = 0; round < 3; round += 1) {
      const before = best.evidence;
      for (const [turn, shift] of [
        [part, 0],
        [-part, 0],
        [0, part],
        [0, -part],
      ] as const) {
        const speed = Math.min(2, Math.max(0.5, best.speed * (1 + 0.12 * turn)));
        const offsetSeconds =
          best.offsetSeconds + (best.speed - speed) * middle + shift * 2 * OFFSET_STEP_SECONDS;
        const evidence = evidenceOf(field, { offsetSeconds, speed }, threshold);
        const change = speedCost(speed) - speedCost(best.speed);
        if (evidence > best.evidence + change * (query.endSeconds - query.startSeconds))
          best = { offsetSeconds, speed, evidence };
      }
      if (best.evidence === before) break;
    }
  }
  return best;
}
