import { f64x2, i32, local, moduleOf, repeatWhile, v128 } from '../simd/assembler.js';
import { runProgram } from '../simd/program.js';

/** As many lines are followed at once at most. */
export const MOST_LINES = 4096;

/** Lines of one speed, each followed up to the last point that it met. Times are those of the video; [MOST_LINES] each. */
export interface Lines {
  /** When the last point was; NONE before the first. */
  moments: Float64Array;
  /** What a second of it speaks for the line, and from when on it counts. */
  gains: Float64Array;
  borders: Float64Array;
  /** Of the run that ends before it, and of the best run; no less than 0. */
  sums: Float64Array;
  bests: Float64Array;
  /** From when on the first point may count. */
  beginnings: Float64Array;
  /** What the lines that meet the next point find there. */
  similarities: Float64Array;
}

export const NONE = Number.NEGATIVE_INFINITY;

export interface Meeting {
  /** Lines that meet the next point: from `first` to `last`. */
  first: number;
  last: number;
  /** When that is, and since when it counts where it is the first of its line. */
  seconds: number;
  sinceSeconds: number;
  threshold: number;
}

export interface LineFollower {
  lines: Lines;
  /** Takes lines on to their next point: then it is known up to where the one before counts. */
  follow(meeting: Meeting): void;
}

/** One for all: nothing interrupts a sweep. */
export function lineFollower(): LineFollower {
  follower ??= vectorFollower() ?? plainFollower();
  return follower;
}

let follower: LineFollower | undefined;

const NAMES = ['moments', 'gains', 'borders', 'sums', 'bests', 'beginnings', 'similarities'] as const;
const LINE_BYTES = 8;
const ARRAY_BYTES = MOST_LINES * LINE_BYTES;

function linesIn(buffer: ArrayBuffer): Lines {
  const arrays = NAMES.map((name, i) => [name, new Float64Array(buffer, i * ARRAY_BYTES, MOST_LINES)]);
  return Object.fromEntries(arrays) as Lines;
}

/** One line after another: where there are no vectors to compute with. */
export function plainFollower(): LineFollower {
  const lines = linesIn(new ArrayBuffer(NAMES.length * ARRAY_BYTES));
  const { moments, gains, borders, sums, bests, beginnings, similarities } = lines;
  const follow = ({ first, last, seconds, sinceSeconds, threshold }: Meeting) => {
    for (let line = first; line <= last; line += 1) {
      const before = moments[line] as number;
      if (before === NONE) {
        borders[line] = Math.max(beginnings[line] as number, sinceSeconds);
      } else {
        const border = (before + seconds) / 2;
        const sum = (sums[line] as number) + (gains[line] as number) * (border - (borders[line] as number));
        sums[line] = Math.max(0, sum);
        bests[line] = Math.max(bests[line] as number, sum);
        borders[line] = border;
      }
      moments[line] = seconds;
      gains[line] = (similarities[line] as number) - threshold;
    }
  };
  return { lines, follow };
}

/** The same, two lines at a time and without branches, which would be guessed wrong half of the time: several times as fast. */
export function vectorFollower(): LineFollower | null {
  const program = runProgram<FollowProgram>(assemble());
  if (program === null) return null;
  const { run, memory } = program;
  return {
    // A lane beyond the last line is read and written back as it is.
    lines: linesIn(memory(NAMES.length * ARRAY_BYTES + LINE_BYTES)),
    follow: ({ first, last, seconds, sinceSeconds, threshold }) => {
      if (last < first) return;
      run(first * LINE_BYTES, (last + 1) * LINE_BYTES, seconds, sinceSeconds, threshold, last + 1 - first);
    },
  };
}

/** Addresses within an array, in bytes; then what a `Meeting` tells. */
type FollowProgram = (
  first: number,
  end: number,
  seconds: number,
  sinceSeconds: number,
  threshold: number,
  count: number,
) => void;

function assemble(): Uint8Array<ArrayBuffer> {
  const [address, end, seconds, since, threshold, count] = [0, 1, 2, 3, 4, 5].map(local) as Six;
  const [lane, isMeant, before, isFirst, border, sum] = [6, 7, 8, 9, 10, 11].map(local) as Six;
  const here = f64x2.splat(seconds.get);
  const zero = f64x2.const(0, 0);
  const read = (name: (typeof NAMES)[number]) => v128.load(address.get, NAMES.indexOf(name) * ARRAY_BYTES);
  const write = (name: (typeof NAMES)[number], value: readonly number[]) =>
    v128.store(
      address.get,
      v128.bitselect(value, read(name), isMeant.get),
      NAMES.indexOf(name) * ARRAY_BYTES,
    );
  const since2 = f64x2.pmax(read('beginnings'), f64x2.splat(since.get));
  const body = repeatWhile(
    i32.lessThan(address.get, end.get),
    isMeant.set(f64x2.lt(lane.get, f64x2.splat(count.get))),
    before.set(read('moments')),
    isFirst.set(f64x2.eq(before.get, f64x2.const(NONE, NONE))),
    border.set(f64x2.mul(f64x2.add(before.get, here), f64x2.const(0.5, 0.5))),
    sum.set(f64x2.add(read('sums'), f64x2.mul(read('gains'), f64x2.sub(border.get, read('borders'))))),
    sum.set(f64x2.pmax(zero, v128.bitselect(zero, sum.get, isFirst.get))),
    write('sums', sum.get),
    write('bests', f64x2.pmax(read('bests'), sum.get)),
    write('borders', v128.bitselect(since2, border.get, isFirst.get)),
    write('moments', here),
    write('gains', f64x2.sub(read('similarities'), f64x2.splat(threshold.get))),
    lane.set(f64x2.add(lane.get, f64x2.const(2, 2))),
    address.set(i32.add(address.get, i32.const(2 * LINE_BYTES))),
  );
  return moduleOf({
    parameters: ['i32', 'i32', 'f64', 'f64', 'f64', 'f64'],
    locals: new Array(6).fill('v128'),
    body: [...lane.set(f64x2.const(0, 1)), ...body],
  });
}

type One = ReturnType<typeof local>;
type Six = [One, One, One, One, One, One];
