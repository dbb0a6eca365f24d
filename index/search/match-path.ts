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
 * and changing the line cost something; the video never runs backwards, not even over cells that lie on no line. All lines have one speed.
 * Viterbi over the lines: cells x lines^2.
 */
export function bestPath(
  profiles: readonly Float64Array[],
  lines: readonly Line[],
  threshold: number,
): { runs: PathRun[]; evidence: number } {
  const cells = profiles[0]?.length ?? 0;
  const paths = lines.map(() => new PathsOnLine(cells));
  let best: PathEnd = { line: NONE, cell: NONE, score: 0 };
  for (let cell = 0; cell < cells; cell += 1) {
    for (let line = 0; line < lines.length; line += 1) {
      const gain = (((profiles[line] as Float64Array)[cell] as number) - threshold) * CELL_SECONDS;
      const on = paths[line] as PathsOnLine;
      if (gain === Number.NEGATIVE_INFINITY) {
        on.setNone(cell);
        continue;
      }
      const before = bestBefore(cell, line, paths, lines);
      const score = before.score + gain;
      on.set(cell, score, before);
      if (score > best.score) best = { line, cell, score };
    }
  }
  return { runs: readBack(best, paths), evidence: best.score };
}

const NONE = -1;

/** The cell, of the query, in which a path ends, and the line that it lies on there. */
interface PathEnd {
  line: number;
  cell: number;
  score: number;
}

/** Of all paths whose last cell on a line is this one, the best. */
class PathsOnLine {
  readonly scores: Float64Array;
  /** The cell at or before this one in which the best path ended. */
  readonly #bestEnds: Int32Array;
  /** What came before each cell: line and cell, or none. */
  readonly #lines: Int16Array;
  readonly #cells: Int32Array;

  constructor(cells: number) {
    this.scores = new Float64Array(cells);
    this.#bestEnds = new Int32Array(cells);
    this.#lines = new Int16Array(cells);
    this.#cells = new Int32Array(cells);
  }

  setNone(cell: number): void {
    this.set(cell, Number.NEGATIVE_INFINITY, { line: NONE, cell: NONE });
  }

  set(cell: number, score: number, before: { line: number; cell: number }): void {
    this.scores[cell] = score;
    this.#lines[cell] = before.line;
    this.#cells[cell] = before.cell;
    const bestEnd = cell === 0 ? 0 : (this.#bestEnds[cell - 1] as number);
    this.#bestEnds[cell] = score > (this.scores[bestEnd] as number) ? cell : bestEnd;
  }

  bestEndUpTo(cell: number): number {
    return this.#bestEnds[cell] as number;
  }

  before(cell: number): { line: number; cell: number } {
    return { line: this.#lines[cell] as number, cell: this.#cells[cell] as number };
  }
}

/** The best that can come before a cell on a line; its score has what the step costs taken off. */
function bestBefore(
  cell: number,
  line: number,
  paths: readonly PathsOnLine[],
  lines: readonly Line[],
): PathEnd {
  const { offsetSeconds, speed } = lines[line] as Line;
  let best: PathEnd = { line: NONE, cell: NONE, score: -BEGIN_COST };
  const consider = (from: number, end: number, cost: number): void => {
    const score = (paths[from]?.scores[end] ?? Number.NEGATIVE_INFINITY) - cost;
    if (score > best.score) best = { line: from, cell: end, score };
  };
  for (let from = 0; from < paths.length; from += 1) {
    const ahead = offsetSeconds - (lines[from] as Line).offsetSeconds;
    if (cell > 0 && from === line) consider(from, cell - 1, 0);
    // At one speed, a smaller offset would show again what was shown.
    else if (cell > 0 && ahead > 0) consider(from, cell - 1, CHANGE_COST);
    // Over cells on no line: so many of them that the video does not go back.
    const last = cell - 1 + Math.min(-1, Math.floor(ahead / (speed * CELL_SECONDS) + 1e-9));
    if (last >= 0) consider(from, (paths[from] as PathsOnLine).bestEndUpTo(last), BEGIN_COST);
  }
  return best;
}

function readBack(end: PathEnd, paths: readonly PathsOnLine[]): PathRun[] {
  const runs: PathRun[] = [];
  let { line, cell } = end as { line: number; cell: number };
  while (line !== NONE) {
    const last = runs[0];
    if (last && last.line === line && last.firstCell === cell + 1) last.firstCell = cell;
    else runs.unshift({ line, firstCell: cell, endCell: cell + 1 });
    ({ line, cell } = (paths[line] as PathsOnLine).before(cell));
  }
  return runs;
}
