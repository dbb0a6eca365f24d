import { clipNeighbours, lengthBetween } from './clip-neighbours.js';
import { type ClipTrack, firstStart, lastStart } from './clip-track.js';

/** What a second of distance between the phases of a query clip and a video clip costs, where there is nothing between to interpolate. */
export const PHASE_COST_PER_SECOND = 0.2;

/**
 * How similarities to what lies at equally distant moments between the clips of a query are made of those to the clips: before x (that of clip `row`)
 * + after x (that of the next one) + extra. From each moment to the next it goes back in time.
 */
export interface ClipLattice {
  /** How far the moments lie from whole steps, in steps, [0, 1). */
  phase: number;
  /** The first of the moments, in steps. */
  latest: number;
  count: number;
  /** Of each moment MOMENT_BYTES: before, after and extra as floats of 64 bits, row as an integer of 32; in the processor's order. */
  bytes: Uint8Array;
}

export const MOMENT_BYTES = 32;

/** Between which moments a clip may begin to be compared with those of the query. */
export interface LatticeRange {
  earliestSeconds: number;
  latestSeconds: number;
}

/** What is so near to a border lies on it, however it was computed. */
export const ROUNDING_SECONDS = 1e-9;

/** Bounds memory: 16 MB for each query. A search needs a few moments for each speed, as long as the clips of the videos begin at whole steps. */
const MOST_KEPT_MOMENTS = 2 ** 19;
/** Moments that differ by less are the same, in steps. */
const SAME_MOMENT = 1e-9;
const PHASES = 2 ** 30;

/** Finds the lattice of one timestep of the clips that has `steps` among its moments. */
export type FindLattice = (place: number, steps: number) => ClipLattice;

const known = new WeakMap<Float32Array, KeptLattices>();

/** Lattices of one distance of moments. They are kept for as long as the features of the query are. */
export function latticesOf(query: ClipTrack, stepSeconds: number, range: LatticeRange): FindLattice {
  let kept = known.get(query.features);
  if (!kept) {
    kept = new KeptLattices();
    known.set(query.features, kept);
  }
  const { earliestSeconds, latestSeconds } = range;
  const { startSeconds, endSeconds } = query;
  const borders = [stepSeconds, earliestSeconds, latestSeconds, startSeconds, endSeconds].join('/');
  return kept.finder(borders, (place, phase) => latticeOf(query, { place, phase, stepSeconds, ...range }));
}

class KeptLattices {
  readonly #byBorders = new Map<string, Map<number, ClipLattice>>();
  #moments = 0;

  finder(borders: string, make: (place: number, phase: number) => ClipLattice): FindLattice {
    const kept = this.#byBorders.get(borders) ?? new Map<number, ClipLattice>();
    this.#byBorders.set(borders, kept);
    return (place, steps) => {
      const phase = phaseOf(steps);
      const number = place * PHASES + Math.round(phase / SAME_MOMENT);
      const before = kept.get(number);
      if (before) return before;
      const lattice = make(place, phase);
      if (this.#moments + lattice.count <= MOST_KEPT_MOMENTS) {
        this.#moments += lattice.count;
        kept.set(number, lattice);
      }
      return lattice;
    };
  }
}

/** Whether a moment, in steps, is one of the lattice's or would be if that went on. */
export function isOnLattice({ phase }: ClipLattice, steps: number): boolean {
  return Math.abs(phaseOf(steps) - phase) < SAME_MOMENT;
}

/** [0, 1), where what is a step but for rounding is 0. */
function phaseOf(steps: number): number {
  return Math.max(0, steps - Math.floor(steps + SAME_MOMENT));
}

function latticeOf(
  query: ClipTrack,
  options: { place: number; phase: number; stepSeconds: number } & LatticeRange,
): ClipLattice {
  const { place, phase, stepSeconds, earliestSeconds, latestSeconds } = options;
  const phaseSeconds = ((place + 0.5) * query.clipSeconds) / query.timesteps;
  const isMet = (steps: number) => {
    const seconds = steps * stepSeconds;
    const at = seconds + phaseSeconds;
    return (
      at >= query.startSeconds - ROUNDING_SECONDS &&
      at < query.endSeconds - ROUNDING_SECONDS &&
      seconds >= earliestSeconds &&
      seconds <= latestSeconds
    );
  };
  const end = Math.min(latestSeconds, query.endSeconds - phaseSeconds);
  const start = Math.max(earliestSeconds, query.startSeconds - phaseSeconds);
  let latest = Math.ceil(end / stepSeconds) + phase;
  let earliest = Math.floor(start / stepSeconds) - 1 + phase;
  while (latest > earliest && !isMet(latest)) latest -= 1;
  while (earliest < latest && !isMet(earliest)) earliest += 1;
  const count = isMet(latest) ? Math.round(latest - earliest) + 1 : 0;
  const bytes = new Uint8Array(count * MOMENT_BYTES);
  const moments = new DataView(bytes.buffer);
  let row = query.startsSeconds.length - 1;
  for (let i = 0; i < count; i += 1) {
    const seconds = (latest - i) * stepSeconds;
    while (row > 0 && (query.startsSeconds[row] as number) > seconds) row -= 1;
    putMoment(moments, i * MOMENT_BYTES, query, { place, row, seconds });
  }
  return { phase, latest, count, bytes };
}

/** `row` is the last clip that begins by then, or the first. */
function putMoment(
  moments: DataView,
  at: number,
  query: ClipTrack,
  { place, row, seconds }: { place: number; row: number; seconds: number },
): void {
  const { startsSeconds, timesteps } = query;
  const beyond = Math.max(firstStart(query) - seconds, seconds - lastStart(query));
  let before = 1;
  let after = 0;
  if (beyond <= 0 && row < startsSeconds.length - 1) {
    const start = startsSeconds[row] as number;
    const between = (seconds - start) / ((startsSeconds[row + 1] as number) - start);
    const cosine = clipNeighbours(query).cosines[row * timesteps + place] as number;
    const length = lengthBetween(between, cosine);
    before = (1 - between) / length;
    after = between / length;
  }
  // The low byte first, as WebAssembly reads them.
  moments.setFloat64(at, before, true);
  moments.setFloat64(at + 8, after, true);
  moments.setFloat64(at + 16, -PHASE_COST_PER_SECOND * Math.max(0, beyond), true);
  moments.setInt32(at + 24, row, true);
}
