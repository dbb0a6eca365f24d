import type { NumberMemory } from '../number-memory.js';
import { evidenceBound, evidenceOf } from './line-evidence.js';
import { evidenceAtOffsets, type OffsetSteps } from './offset-sweep.js';
import type { Line, SimilarityField } from './similarity-field.js';

/** A line and what speaks for it. */
export interface ScoredLine extends Line {
  /** Largest sum, over a run of the query, of (similarity - threshold) x seconds; of all but the best line that of the offset from which it was refined. */
  evidence: number;
}

/** Distance of the offsets that are tried. */
const OFFSET_STEP_SECONDS = 0.125;
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

/** Whether a speed may win, every so many-th offset tells: none has so many times as much evidence as the best of those. */
const ROUGH_STEPS = 4;
const ROUGH_SHARE = 1.5;

/** Offsets that are tried; everywhere unless `near` says otherwise, for videos of which parts were read. */
export interface OffsetWindow {
  offsetsSeconds: readonly number[];
  toleranceSeconds: number;
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
  let sweep = sweepOffsets(field, 1, threshold, near);
  const seconds = field.querySeconds;
  let top = sweep.most;
  if (options.anySpeed) {
    const most = evidenceBound(field, threshold);
    for (const speed of SPEEDS) {
      if (speed === 1 || most - speedCost(speed) * seconds <= top) continue;
      const rough = sweepOffsets(field, speed, threshold, near, ROUGH_STEPS * OFFSET_STEP_SECONDS);
      if (ROUGH_SHARE * rough.most - speedCost(speed) * seconds <= top) continue;
      const other = sweepOffsets(field, speed, threshold, near);
      const net = other.most - speedCost(speed) * seconds;
      if (net > top && prominenceOf(other) >= SPEED_PROMINENCE * seconds) {
        sweep = other;
        top = net;
      }
    }
  }
  if (top <= 0) return [];
  const first = { offsetSeconds: sweep.bestStep * OFFSET_STEP_SECONDS, speed: sweep.speed };
  const refined =
    sweep.speed === 1
      ? withEvidence(field, refineOffset(field, first, threshold, sweep), threshold)
      : refineBoth(field, first, threshold);
  const others = bestApart(sweep, refined, options.count - 1, field.memory).map((offsetSeconds) =>
    refineOffset(field, { offsetSeconds, speed: refined.speed }, threshold, sweep),
  );
  return [refined, ...others].filter(({ evidence }) => evidence > 0);
}

/** The evidence of offsets at one speed. */
interface Sweep {
  speed: number;
  /** Ascending, none of them twice, each with the evidence at its offsets. */
  windows: { steps: OffsetSteps; evidences: Float64Array }[];
  /** The largest evidence, and where it is. */
  most: number;
  bestStep: number;
}

function sweepOffsets(
  field: SimilarityField,
  speed: number,
  threshold: number,
  near: OffsetWindow | undefined,
  stepSeconds = OFFSET_STEP_SECONDS,
): Sweep {
  const windows = offsetWindows(field, speed, near, stepSeconds).map((steps) => ({
    steps,
    evidences: evidenceAtOffsets(field, speed, steps, threshold),
  }));
  let most = 0;
  let bestStep = 0;
  for (const { steps, evidences } of windows) {
    for (let i = 0; i < evidences.length; i += 1) {
      if ((evidences[i] as number) <= most) continue;
      most = evidences[i] as number;
      bestStep = steps.first + i;
    }
  }
  return { speed, windows, most, bestStep };
}

/** What the best line has more than any that is not near it. */
function prominenceOf({ windows, most, bestStep }: Sweep): number {
  let other = 0;
  for (const { steps, evidences } of windows) {
    for (let i = 0; i < evidences.length; i += 1) {
      const isNear = Math.abs(steps.first + i - bestStep) * OFFSET_STEP_SECONDS <= NEAR_SECONDS;
      if (!isNear && (evidences[i] as number) > other) other = evidences[i] as number;
    }
  }
  return most - other;
}

/** Known to a sweep, else found out. */
function evidenceAt(field: SimilarityField, line: Line, threshold: number, sweep: Sweep): number {
  const step = line.offsetSeconds / OFFSET_STEP_SECONDS;
  if (line.speed === sweep.speed && Number.isInteger(step)) {
    for (const { steps, evidences } of sweep.windows) {
      if (step >= steps.first && step <= steps.last) return evidences[step - steps.first] as number;
    }
  }
  return evidenceOf(field, line, threshold);
}

/** Offsets at which the query and the video meet; with a window, those that lay a middle of the query there. Ascending, none of them twice. */
function offsetWindows(
  { query, video }: SimilarityField,
  speed: number,
  near: OffsetWindow | undefined,
  stepSeconds: number,
): OffsetSteps[] {
  if (!near) {
    const first = Math.floor((video.startSeconds - speed * query.endSeconds) / stepSeconds);
    const last = Math.ceil((video.endSeconds - speed * query.startSeconds) / stepSeconds);
    return [{ first, last, stepSeconds }];
  }
  const reach = Math.ceil(near.toleranceSeconds / stepSeconds);
  const middle = (query.startSeconds + query.endSeconds) / 2;
  const windows: OffsetSteps[] = [];
  for (const offset of [...near.offsetsSeconds].sort((a, b) => a - b)) {
    const centre = Math.round((offset + (1 - speed) * middle) / stepSeconds);
    const before = windows.at(-1);
    // Two that meet are one.
    if (before && centre - reach <= before.last + 1) before.last = centre + reach;
    else windows.push({ first: centre - reach, last: centre + reach, stepSeconds });
  }
  return windows;
}

const APART_SECONDS = 0.25;

/** The offsets with the most evidence, best first, none of them near a better one or `first`. */
function bestApart({ windows, bestStep }: Sweep, first: Line, count: number, memory: NumberMemory): number[] {
  const nearSteps = Math.ceil(APART_SECONDS / OFFSET_STEP_SECONDS) - 1;
  // What is left to choose from.
  const left = windows.map(({ steps, evidences }) => {
    const own = memory.float64(evidences.length);
    own.set(evidences);
    for (let i = 0; i < own.length; i += 1) {
      const distance = Math.abs((steps.first + i) * OFFSET_STEP_SECONDS - first.offsetSeconds);
      if (distance < APART_SECONDS - 1e-9 || steps.first + i === bestStep) own[i] = 0;
    }
    return own;
  });
  const chosen: number[] = [];
  while (chosen.length < count) {
    let most = 0;
    let bestWindow = 0;
    let bestAt = 0;
    for (let window = 0; window < left.length; window += 1) {
      const evidences = left[window] as Float64Array;
      for (let i = 0; i < evidences.length; i += 1) {
        if ((evidences[i] as number) <= most) continue;
        most = evidences[i] as number;
        bestWindow = window;
        bestAt = i;
      }
    }
    if (most <= 0) break;
    const step = (windows[bestWindow] as Sweep['windows'][number]).steps.first + bestAt;
    chosen.push(step * OFFSET_STEP_SECONDS);
    windows.forEach(({ steps }, window) => {
      const at = step - steps.first;
      left[window]?.fill(0, Math.max(0, at - nearSteps), Math.max(0, at + nearSteps + 1));
    });
  }
  return chosen;
}

/**
 * Vertex of the parabola through the evidence at the offset and one query hop to both sides. At these three the video's
 * clips stand in the same way to the query's clips; in between, interpolation takes something off.
 */
function refineOffset(field: SimilarityField, line: Line, threshold: number, sweep: Sweep): ScoredLine {
  const { startsSeconds } = field.query;
  const hop = startsSeconds.length < 2 ? 0 : (startsSeconds[1] as number) - (startsSeconds[0] as number);
  const step = Math.max(OFFSET_STEP_SECONDS, Math.min(hop, 0.5));
  const at = (offsetSeconds: number) =>
    evidenceAt(field, { offsetSeconds, speed: line.speed }, threshold, sweep);
  const before = at(line.offsetSeconds - step);
  const here = at(line.offsetSeconds);
  const after = at(line.offsetSeconds + step);
  const curvature = before - 2 * here + after;
  if (here < before || here < after || curvature >= 0) return { ...line, evidence: here };
  const offsetSeconds = line.offsetSeconds + (step * (before - after)) / (2 * curvature);
  return { offsetSeconds, speed: line.speed, evidence: here };
}

function withEvidence(field: SimilarityField, line: ScoredLine, threshold: number): ScoredLine {
  return { ...line, evidence: Math.max(line.evidence, evidenceOf(field, line, threshold)) };
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
