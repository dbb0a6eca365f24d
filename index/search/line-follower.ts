import {
  FLOAT_BYTES,
  f32,
  f64,
  f64x2,
  i32,
  type Local,
  local,
  moduleOf,
  repeatWhile,
  v128,
  when,
} from '../simd/assembler.js';
import { runProgram } from '../simd/program.js';
import type { PlaceProducts } from '../simd/row-products.js';
import { type ClipLattice, MOMENT_BYTES } from './clip-lattice.js';

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

/** Finite: what is computed with it is thrown away, but must be a number. */
export const NONE = -1e100;

export interface Reading {
  /** Lines that meet the next point: `count` from `first` on. */
  first: number;
  count: number;
  lattice: ClipLattice;
  /** The moment of the lattice at which the first of them meets it. */
  from: number;
  /** Where the cosine of the point with the first clip of the query stands. */
  base: number;
}

export interface Meeting {
  /** Lines that meet the next point: `count` from `first` on. */
  first: number;
  count: number;
  /** When that is, and since when it counts where it is the first of its line. */
  seconds: number;
  sinceSeconds: number;
  threshold: number;
}

/** Of the field through which the lines go, [places, query clips, stride]. */
type Cosines = Pick<PlaceProducts, 'values' | 'stride'>;

export interface LineFollower {
  /** Not to be kept: `read` may have to move them. */
  readonly lines: Lines;
  /** Takes up another field. */
  begin(cosines: Cosines): void;
  /** Finds the similarities at the next point. */
  read(reading: Reading): void;
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
  let cosines: Cosines = { values: new Float32Array(), stride: 0 };
  const read = ({ first, count, lattice, from, base }: Reading) => {
    const { values, stride } = cosines;
    const { buffer } = lattice.bytes;
    for (let line = first; line < first + count; line += 1) {
      const moment = new DataView(buffer, (from + line - first) * MOMENT_BYTES, MOMENT_BYTES);
      const at = base + moment.getInt32(24, true) * stride;
      // Of the last clip there is no next one.
      const after = moment.getFloat64(8, true) * (values[at + stride] ?? 0);
      similarities[line] =
        moment.getFloat64(0, true) * (values[at] as number) + after + moment.getFloat64(16, true);
    }
  };
  const follow = ({ first, count, seconds, sinceSeconds, threshold }: Meeting) => {
    for (let line = first; line < first + count; line += 1) {
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
  const begin = (given: Cosines) => {
    cosines = given;
  };
  return { lines, begin, read, follow };
}

/** The same, without branches that would be guessed wrong half of the time, and two lines at a time: several times as fast. */
export function vectorFollower(): LineFollower | null {
  const program = runProgram<FollowerProgram>(assemble());
  if (program === null) return null;
  const { functions, memory } = program;
  const valuesAt = NAMES.length * ARRAY_BYTES;
  let buffer = memory(valuesAt);
  let lines = linesIn(buffer);
  let strideBytes = 0;
  /** Where each lattice of this sweep stands, and where the next may. */
  const placed = new Map<ClipLattice, number>();
  let free = 0;
  /** Room for what is put there; what is there already stays, but not the views of it. */
  const reserve = (bytes: number) => {
    if (bytes <= buffer.byteLength) return;
    buffer = memory(bytes);
    lines = linesIn(buffer);
  };
  const addressOf = (lattice: ClipLattice) => {
    const before = placed.get(lattice);
    if (before !== undefined) return before;
    const address = free;
    free += lattice.bytes.length;
    reserve(free);
    new Uint8Array(buffer, address, lattice.bytes.length).set(lattice.bytes);
    placed.set(lattice, address);
    return address;
  };
  return {
    get lines() {
      return lines;
    },
    begin: ({ values, stride }) => {
      placed.clear();
      strideBytes = stride * FLOAT_BYTES;
      // And a row of zeros: the last clip has no next one.
      free = valuesAt + Math.ceil((values.byteLength + strideBytes) / LINE_BYTES) * LINE_BYTES;
      reserve(free);
      const floats = new Float32Array(buffer, valuesAt, values.length + stride);
      floats.set(values);
      floats.fill(0, values.length);
    },
    read: ({ first, count, lattice, from, base }) => {
      if (count <= 0) return;
      const address = addressOf(lattice) + from * MOMENT_BYTES;
      const target = NAMES.indexOf('similarities') * ARRAY_BYTES + first * LINE_BYTES;
      functions.read(
        address,
        address + count * MOMENT_BYTES,
        valuesAt + base * FLOAT_BYTES,
        strideBytes,
        target,
      );
    },
    follow: ({ first, count, seconds, sinceSeconds, threshold }) => {
      if (count <= 0) return;
      const address = first * LINE_BYTES;
      functions.follow(address, address + count * LINE_BYTES, seconds, sinceSeconds, threshold);
    },
  };
}

/** Addresses in bytes. */
interface FollowerProgram {
  read(moment: number, end: number, base: number, strideBytes: number, target: number): void;
  /** Within an array; then what a `Meeting` tells. */
  follow(first: number, end: number, seconds: number, sinceSeconds: number, threshold: number): void;
}

function assemble(): Uint8Array<ArrayBuffer> {
  return moduleOf({ read: readCode(), follow: followCode() });
}

function readCode() {
  const [moment, end, base, stride, target, row] = locals(6);
  const share = (offsetBytes: number) => f64.load(moment.get, offsetBytes);
  const cosine = (address: ReturnType<Local['set']>) => f64.ofF32(f32.load(address));
  const body = repeatWhile(
    i32.lessThan(moment.get, end.get),
    row.set(i32.add(base.get, i32.mul(i32.load(moment.get, 24), stride.get))),
    f64.store(
      target.get,
      f64.add(
        f64.add(f64.mul(share(0), cosine(row.get)), f64.mul(share(8), cosine(i32.add(row.get, stride.get)))),
        share(16),
      ),
    ),
    target.set(i32.add(target.get, i32.const(LINE_BYTES))),
    moment.set(i32.add(moment.get, i32.const(MOMENT_BYTES))),
  );
  return { parameters: new Array(5).fill('i32'), locals: ['i32'] as const, body };
}

function followCode() {
  const [address, end, seconds, since, threshold] = locals(5);
  const [before, border, sum] = locals(3, 5);
  const here = f64x2.splat(seconds.get);
  const zero = f64x2.const(0, 0);
  const offsetOf = (name: (typeof NAMES)[number]) => NAMES.indexOf(name) * ARRAY_BYTES;
  const read = (name: (typeof NAMES)[number]) => v128.load(address.get, offsetOf(name));
  /** Two lines; with a mask only those lanes are written. */
  const twoLines = (mask?: readonly number[]) => {
    const write = (name: (typeof NAMES)[number], value: readonly number[]) =>
      v128.store(address.get, mask ? v128.bitselect(value, read(name), mask) : value, offsetOf(name));
    const isFirst = f64x2.eq(before.get, f64x2.const(NONE, NONE));
    const firstBorder = f64x2.pmax(read('beginnings'), f64x2.splat(since.get));
    return [
      before.set(read('moments')),
      border.set(f64x2.mul(f64x2.add(before.get, here), f64x2.const(0.5, 0.5))),
      // Before the first point of a line its gain is 0, and so is this.
      sum.set(f64x2.add(read('sums'), f64x2.mul(read('gains'), f64x2.sub(border.get, read('borders'))))),
      sum.set(f64x2.pmax(zero, sum.get)),
      write('sums', sum.get),
      write('bests', f64x2.pmax(read('bests'), sum.get)),
      write('borders', v128.bitselect(firstBorder, border.get, isFirst)),
      write('moments', here),
      write('gains', f64x2.sub(read('similarities'), f64x2.splat(threshold.get))),
      address.set(i32.add(address.get, i32.const(2 * LINE_BYTES))),
    ];
  };
  const hasTwo = i32.lessThan(i32.add(address.get, i32.const(LINE_BYTES)), end.get);
  const body = [
    ...when(hasTwo, repeatWhile(hasTwo, ...twoLines())),
    ...when(i32.lessThan(address.get, end.get), ...twoLines(FIRST_LANE)),
  ];
  return {
    parameters: ['i32', 'i32', 'f64', 'f64', 'f64'] as const,
    locals: ['v128', 'v128', 'v128'] as const,
    body,
  };
}

const FIRST_LANE = f64x2.eq(f64x2.const(0, 0), f64x2.const(0, 1));

function locals(count: 3, from?: number): [Local, Local, Local];
function locals(count: 5, from?: number): [Local, Local, Local, Local, Local];
function locals(count: 6, from?: number): [Local, Local, Local, Local, Local, Local];
function locals(count: number, from = 0): Local[] {
  return Array.from({ length: count }, (_, i) => local(from + i));
}
