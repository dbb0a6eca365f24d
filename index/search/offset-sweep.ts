import { type ClipLattice, isOnLattice, latticesOf } from './clip-lattice.js';
import { REACH_SECONDS } from './line-evidence.js';
import { type Lines, lineFollower, MOST_LINES, NONE } from './line-follower.js';
import type { SimilarityField } from './similarity-field.js';

/** Offsets of stepSeconds x step, from `first` to `last`. */
export interface OffsetSteps {
  first: number;
  last: number;
  stepSeconds: number;
}

/**
 * What `evidenceOf` says of the line at each of the offsets, [last - first + 1]. All lines of one speed are followed at once, from one point of the video
 * to the next: they meet it at moments of the query that are equally far apart, so that hardly anything need be looked up for each.
 */
export function evidenceAtOffsets(
  field: SimilarityField,
  speed: number,
  steps: OffsetSteps,
  threshold: number,
): Float64Array {
  const evidences = field.memory.float64(steps.last - steps.first + 1).fill(0);
  for (let first = steps.first; first <= steps.last; first += MOST_LINES) {
    const some = { ...steps, first, last: Math.min(steps.last, first + MOST_LINES - 1) };
    sweep(field, speed, some, threshold, evidences.subarray(first - steps.first));
  }
  return evidences;
}

function sweep(
  field: SimilarityField,
  speed: number,
  steps: OffsetSteps,
  threshold: number,
  target: Float64Array,
): void {
  const follower = lineFollower();
  follower.begin(field.cosines);
  begin(follower.lines, field, speed, steps);
  const { query, points } = field;
  const stepSeconds = steps.stepSeconds / speed;
  const latticeAt = latticesOf(query, stepSeconds, field);
  const lattices: ClipLattice[] = [];
  for (let point = 0; point < points.seconds.length; point += 1) {
    const seconds = points.seconds[point] as number;
    const place = points.places[point] as number;
    // Where the clip begins that is asked for at offset 0: at each step so many steps before.
    const asked = (seconds / speed - (points.phases[point] as number)) / stepSeconds;
    // Mostly the same for all clips of the video.
    let lattice = lattices[place];
    if (!lattice || !isOnLattice(lattice, asked)) {
      lattice = latticeAt(place, asked);
      lattices[place] = lattice;
    }
    // Successive offsets at which the point falls on the query, and near enough to one of its clips to be compared with it.
    const firstMet = Math.round(asked - lattice.latest);
    const firstStep = Math.max(steps.first, firstMet);
    const count = Math.min(steps.last + 1, firstMet + lattice.count) - firstStep;
    if (count <= 0) continue;
    const first = firstStep - steps.first;
    const base = points.bases[point] as number;
    follower.read({ first, count, lattice, from: firstStep - firstMet, base });
    if (field.hasBoilerplate) cap(field, point, speed, steps, { first, count }, follower.lines.similarities);
    follower.follow({ first, count, seconds, sinceSeconds: seconds - REACH_SECONDS * speed, threshold });
  }
  finish(follower.lines, field, speed, steps, target);
}

function begin(
  lines: Lines,
  { query, video }: SimilarityField,
  speed: number,
  { first, last, stepSeconds }: OffsetSteps,
): void {
  const count = last - first + 1;
  lines.moments.fill(NONE, 0, count);
  for (const array of [lines.gains, lines.borders, lines.sums, lines.bests]) array.fill(0, 0, count);
  const { beginnings } = lines;
  for (let line = 0; line < count; line += 1) {
    // When the query and the video first overlap.
    const start = (first + line) * stepSeconds + speed * query.startSeconds;
    beginnings[line] = Math.max(start, video.startSeconds);
  }
}

/** What boilerplate has no more than, in place. */
function cap(
  field: SimilarityField,
  point: number,
  speed: number,
  { first: firstStep, stepSeconds }: OffsetSteps,
  { first, count }: { first: number; count: number },
  similarities: Float64Array,
): void {
  const { startsSeconds } = field.query;
  const seconds = field.points.seconds[point] as number;
  const phase = field.points.phases[point] as number;
  let near = startsSeconds.length - 1;
  for (let line = first; line < first + count; line += 1) {
    const wanted = (seconds - (firstStep + line) * stepSeconds) / speed - phase;
    while (
      near > 0 &&
      wanted - (startsSeconds[near - 1] as number) <= (startsSeconds[near] as number) - wanted
    )
      near -= 1;
    similarities[line] = field.capped(point, near, similarities[line] as number);
  }
}

/** Evidence is told in seconds of the query. */
function finish(
  { moments, gains, borders, sums, bests }: Lines,
  { query, video }: SimilarityField,
  speed: number,
  { first, last, stepSeconds }: OffsetSteps,
  target: Float64Array,
): void {
  for (let line = 0; line <= last - first; line += 1) {
    const moment = moments[line] as number;
    if (moment === NONE) continue;
    const offset = (first + line) * stepSeconds;
    const end = Math.min(offset + speed * query.endSeconds, video.endSeconds);
    const border = borders[line] as number;
    const to = Math.max(border, Math.min(end, moment + REACH_SECONDS * speed));
    const sum = (sums[line] as number) + (gains[line] as number) * (to - border);
    target[line] = Math.max(bests[line] as number, sum) / speed;
  }
}
