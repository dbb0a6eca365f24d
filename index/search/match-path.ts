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
  const profile = new Float64Array(cells).fill(Number.NEGATIVE_INFINITY);
  const times: number[] = [];
  const values: number[] = [];
  field.along(line, (querySeconds, similarity) => {
    const last = times.length - 1;
    if (last >= 0 && querySeconds - (times[last] as number) < 1e-6) {
      // Two clips of the video tell of the same moment.
      values[last] = ((values[last] as number) + similarity) / 2;
    } else {
      times.push(querySeconds);
      values.push(similarity);
    }
  });
  if (times.length === 0) return profile;
  let i = 0;
  for (let cell = 0; cell < cells; cell += 1) {
    const at = query.startSeconds + (cell + 0.5) * CELL_SECONDS;
    const inVideo = line.offsetSeconds + line.speed * at;
    if (inVideo < video.startSeconds || inVideo >= video.endSeconds) continue;
    while (i + 1 < times.length && (times[i + 1] as number) <= at) i += 1;
    const [here, next] = [times[i] as number, times[i + 1]];
    const value = values[i] as number;
    if (at < here || next === undefined) profile[cell] = value;
    else profile[cell] = value + ((at - here) / (next - here)) * ((values[i + 1] as number) - value);
  }
  return profile;
}

/**
 * The path with the largest sum of (similarity - threshold) x seconds: each cell of the query lies on one line or on none; beginning a run
 * and changing the line cost something; the video never runs backwards. Viterbi over the lines: cells x lines^2.
 */
export function bestPath(
  profiles: readonly Float64Array[],
  lines: readonly Line[],
  threshold: number,
): { runs: PathRun[]; evidence: number } {
  const cells = profiles[0]?.length ?? 0;
  const states = lines.length + 1;
  const none = lines.length;
  const costs = Float64Array.from({ length: states * states }, (_, i) =>
    stepCost(Math.floor(i / states), i % states, lines),
  );
  let scores = new Float64Array(states).fill(Number.NEGATIVE_INFINITY);
  scores[none] = 0;
  const from = new Int16Array(cells * states).fill(-1);
  for (let cell = 0; cell < cells; cell += 1) {
    const next = new Float64Array(states).fill(Number.NEGATIVE_INFINITY);
    for (let to = 0; to < states; to += 1) {
      const gain =
        to === none
          ? 0
          : ((profiles[to] as Float64Array)[cell] as number) * CELL_SECONDS - threshold * CELL_SECONDS;
      if (gain === Number.NEGATIVE_INFINITY) continue;
      for (let previous = 0; previous < states; previous += 1) {
        const total = (scores[previous] as number) - (costs[previous * states + to] as number) + gain;
        if (total > (next[to] as number)) {
          next[to] = total;
          from[cell * states + to] = previous;
        }
      }
    }
    scores = next;
  }
  return readBack(scores, from, cells, states);
}

function stepCost(from: number, to: number, lines: readonly Line[]): number {
  const none = lines.length;
  if (to === none || from === to) return 0;
  if (from === none) return BEGIN_COST;
  // At one speed, a smaller offset would show again what was shown.
  const ahead = (lines[to] as Line).offsetSeconds - (lines[from] as Line).offsetSeconds;
  return ahead > 0 ? CHANGE_COST : Number.POSITIVE_INFINITY;
}

function readBack(
  scores: Float64Array,
  from: Int16Array,
  cells: number,
  states: number,
): { runs: PathRun[]; evidence: number } {
  let state = 0;
  for (let i = 1; i < states; i += 1) {
    if ((scores[i] as number) > (scores[state] as number)) state = i;
  }
  const evidence = scores[state] ?? 0;
  const runs: PathRun[] = [];
  for (let cell = cells - 1; cell >= 0; cell -= 1) {
    if (state !== states - 1) {
      const last = runs[0];
      if (last && last.line === state && last.firstCell === cell + 1) last.firstCell = cell;
      else runs.unshift({ line: state, firstCell: cell, endCell: cell + 1 });
    }
    state = from[cell * states + state] as number;
  }
  return { runs, evidence };
}
