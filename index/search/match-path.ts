import { freshMemory, type NumberMemory } from '../number-memory.js';
import type { Line, SimilarityField } from './similarity-field.js';

/** A run of the query's cells that lies on one line, [firstCell, endCell). */
export interface PathRun {
  line: number;
  firstCell: number;
  endCell: number;
}

/** Length of a cell of the query: the resolution at which a match begins and ends. */
export const CELL_SECONDS = 0.125;
/** What it costs to begin a match, and to go over to another line; in similarity x seconds. */
export const BEGIN_COST = 0.15;
export const CHANGE_COST = 0.25;

/**
 * Similarity along a line in cells of the query, [cells]: interpolated between the points; -Infinity where the video has nothing, or
 * nothing near is known.
 */
export function profileAlong(field: SimilarityField, line: Line): Float64Array {
  const { query, video } = field;
  const cells = Math.max(1, Math.round((query.endSeconds - query.startSeconds) / CELL_SECONDS));
  const profile = field.memory.float64(cells).fill(Number.NEGATIVE_INFINITY);
  const count = mergeMoments(field, field.sample(line));
  if (count === 0) return profile;
  const { seconds: times, similarities: values } = field.sampled;
  let i = 0;
  // From moment i to the next one, or on from the last.
  let slope = slopeAt(field, 0, count);
  for (let cell = 0; cell < cells; cell += 1) {
    const at = query.startSeconds + (cell + 0.5) * CELL_SECONDS;
    const inVideo = line.offsetSeconds + line.speed * at;
    if (inVideo < video.startSeconds || inVideo >= video.endSeconds) continue;
    while (i + 1 < count && (times[i + 1] as number) <= at) {
      i += 1;
      slope = slopeAt(field, i, count);
    }
    const since = at - (times[i] as number);
    profile[cell] = since < 0 ? (values[i] as number) : (values[i] as number) + since * slope;
  }
  return profile;
}

function slopeAt({ sampled: { seconds, similarities } }: SimilarityField, i: number, count: number): number {
  if (i + 1 >= count) return 0;
  const rise = (similarities[i + 1] as number) - (similarities[i] as number);
  return rise / ((seconds[i + 1] as number) - (seconds[i] as number));
}

/** Where two clips of the video tell of the same moment, what they say together; in place. Returns how many moments there are. */
function mergeMoments({ sampled: { seconds, similarities } }: SimilarityField, count: number): number {
  let merged = 0;
  for (let i = 0; i < count; i += 1) {
    const before = merged - 1;
    if (before >= 0 && (seconds[i] as number) - (seconds[before] as number) < 1e-6) {
      similarities[before] = ((similarities[before] as number) + (similarities[i] as number)) / 2;
    } else {
      seconds[merged] = seconds[i] as number;
      similarities[merged] = similarities[i] as number;
      merged += 1;
    }
  }
  return merged;
}

/**
 * The path with the largest sum of (similarity - threshold) x seconds: each cell of the query lies on one line or on none; beginning a run
 * and changing the line cost something; the video never runs backwards, not even over cells that lie on no line. All lines have one speed, and each
 * an offset of its own. Where no path of several runs can be better than the best run on one line, that is the answer. Else Viterbi over the lines:
 * cells x lines^2 / 2, because the best of all lines that are behind is carried along.
 */
export function bestPath(
  profiles: readonly Float64Array[],
  lines: readonly Line[],
  threshold: number,
  memory: NumberMemory = freshMemory,
): { runs: PathRun[]; evidence: number } {
  const cells = profiles[0]?.length ?? 0;
  const order = [...lines.keys()].sort((a, b) => offsetOf(lines, a) - offsetOf(lines, b));
  // All by rank of the offset, [lines, cells].
  const gains = gainsOf(
    order.map((line) => profiles[line] as Float64Array),
    cells,
    threshold,
    memory,
  );
  const single = bestRun(gains, cells);
  const { runs, evidence } =
    mostOfAnyPath(gains, cells) - RUN_COST <= single.evidence
      ? single
      : bestOfPaths(
          gains,
          cells,
          order.map((line) => lines[line] as Line),
          memory,
        );
  return { runs: runs.map((run) => ({ ...run, line: order[run.line] as number })), evidence };
}

/** What every run of a path costs at least. */
const RUN_COST = Math.min(BEGIN_COST, CHANGE_COST);

/** More than any path of several runs has: of each cell the best line, for nothing but the costs of two runs. [lines, cells] */
function mostOfAnyPath(gains: Float64Array, cells: number): number {
  let most = -BEGIN_COST;
  for (let cell = 0; cell < cells; cell += 1) {
    let best = 0;
    for (let at = cell; at < gains.length; at += cells) {
      if ((gains[at] as number) > best) best = gains[at] as number;
    }
    most += best;
  }
  return most;
}

/** The best path that is a single run. [lines, cells] */
function bestRun(gains: Float64Array, cells: number): { runs: PathRun[]; evidence: number } {
  const best = { line: -1, firstCell: 0, endCell: 0 };
  let evidence = 0;
  for (let line = 0; line * cells < gains.length; line += 1) {
    let score = Number.NEGATIVE_INFINITY;
    let firstCell = 0;
    for (let cell = 0; cell < cells; cell += 1) {
      if (!(score > -BEGIN_COST)) {
        score = -BEGIN_COST;
        firstCell = cell;
      }
      score += gains[line * cells + cell] as number;
      if (score <= evidence) continue;
      evidence = score;
      best.line = line;
      best.firstCell = firstCell;
      best.endCell = cell + 1;
    }
  }
  return { runs: best.line < 0 ? [] : [best], evidence };
}

/** Viterbi. Lines by offset, gains [lines, cells]. */
function bestOfPaths(
  gains: Float64Array,
  cells: number,
  lines: readonly Line[],
  memory: NumberMemory,
): { runs: PathRun[]; evidence: number } {
  const count = lines.length;
  const passed = cellsPassed(lines);
  // Of all paths that end in this cell on this line the best score, and where the path was before.
  const scores = memory.float64(count * cells);
  const before = memory.int32(count * cells);
  // The cell, up to this one, with the best score of its line.
  const bestEnds = memory.int32(count * cells);
  let best = 0;
  let bestAt = NOWHERE;
  for (let cell = 0; cell < cells; cell += 1) {
    // Of the lines behind this one: the best to go over from, and the best to come from over a cell on no line.
    let behind = NOWHERE;
    let behindOverNone = NOWHERE;
    for (let rank = 0; rank < count; rank += 1) {
      const at = rank * cells + cell;
      if (cell > 1) {
        const end = bestEnds[at - 2] as number;
        if (behindOverNone === NOWHERE || (scores[end] as number) > (scores[behindOverNone] as number))
          behindOverNone = end;
      }
      let score = -BEGIN_COST;
      let from = NOWHERE;
      if (cell > 0 && (gains[at] as number) > Number.NEGATIVE_INFINITY) {
        const last = at - 1;
        if ((scores[last] as number) > score) {
          score = scores[last] as number;
          from = last;
        }
        if (behind !== NOWHERE && (scores[behind] as number) - CHANGE_COST > score) {
          score = (scores[behind] as number) - CHANGE_COST;
          from = behind;
        }
        if (behindOverNone !== NOWHERE && (scores[behindOverNone] as number) - BEGIN_COST > score) {
          score = (scores[behindOverNone] as number) - BEGIN_COST;
          from = behindOverNone;
        }
        for (let other = rank + 1; other < count; other += 1) {
          const end = cell - (passed[other * count + rank] as number);
          if (end < 0) break;
          const endAt = bestEnds[other * cells + end] as number;
          if ((scores[endAt] as number) - BEGIN_COST > score) {
            score = (scores[endAt] as number) - BEGIN_COST;
            from = endAt;
          }
        }
      }
      if (cell > 0 && (behind === NOWHERE || (scores[at - 1] as number) > (scores[behind] as number)))
        behind = at - 1;
      score += gains[at] as number;
      scores[at] = score;
      before[at] = from;
      const known = cell === 0 ? at : (bestEnds[at - 1] as number);
      bestEnds[at] = score > (scores[known] as number) ? at : known;
      if (score > best) {
        best = score;
        bestAt = at;
      }
    }
  }
  return { runs: readBack(bestAt, before, cells), evidence: best };
}

const NOWHERE = -1;

function offsetOf(lines: readonly Line[], line: number): number {
  return (lines[line] as Line).offsetSeconds;
}

/** What each cell adds to a path, [lines, cells]. */
function gainsOf(
  profiles: readonly Float64Array[],
  cells: number,
  threshold: number,
  memory: NumberMemory,
): Float64Array {
  const gains = memory.float64(profiles.length * cells);
  profiles.forEach((profile, line) => {
    for (let cell = 0; cell < cells; cell += 1) {
      gains[line * cells + cell] = ((profile[cell] as number) - threshold) * CELL_SECONDS;
    }
  });
  return gains;
}

/**
 * From each line to each that is behind, [from, to]: when cells on no line lie between, how far back the last one on the first line is at least, so that
 * the video does not go back: the farther, the further behind. Lines by offset.
 */
function cellsPassed(lines: readonly Line[]): Int32Array {
  const count = lines.length;
  const passed = new Int32Array(count * count);
  for (const [to, { offsetSeconds, speed }] of lines.entries()) {
    for (const [from, other] of lines.entries()) {
      const ahead = offsetSeconds - other.offsetSeconds;
      passed[from * count + to] = Math.max(2, 1 - Math.floor(ahead / (speed * CELL_SECONDS) + 1e-9));
    }
  }
  return passed;
}

function readBack(end: number, before: Int32Array, cells: number): PathRun[] {
  const runs: PathRun[] = [];
  for (let at = end; at !== NOWHERE; at = before[at] as number) {
    const line = Math.floor(at / cells);
    const cell = at % cells;
    const last = runs[0];
    if (last && last.line === line && last.firstCell === cell + 1) last.firstCell = cell;
    else runs.unshift({ line, firstCell: cell, endCell: cell + 1 });
  }
  return runs;
}
