import { lengthBetween } from './clip-neighbours.js';
import { REACH_SECONDS } from './line-evidence.js';
import { type Lines, lineFollower, MOST_LINES, NONE } from './line-follower.js';
import { PHASE_COST_PER_SECOND, type SimilarityField } from './similarity-field.js';

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
  const evidences = new Float64Array(steps.last - steps.first + 1);
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
  const { lines } = follower;
  begin(lines, field, speed, steps);
  const { seconds: times } = field.points;
  for (let point = 0; point < times.length; point += 1) {
    const meeting = meetingSteps(field, point, speed, steps);
    const first = meeting.first - steps.first;
    const last = meeting.last - steps.first;
    if (last < first) continue;
    readSimilarities(field, point, speed, meeting, lines.similarities, first);
    const seconds = times[point] as number;
    const sinceSeconds = seconds - REACH_SECONDS * speed;
    follower.follow({ first, last, seconds, sinceSeconds, threshold });
  }
  finish(lines, field, speed, steps, target);
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

/** At which of the offsets the point falls on the query, and near enough to one of its clips to be compared with it: successive ones. */
function meetingSteps(field: SimilarityField, point: number, speed: number, steps: OffsetSteps): OffsetSteps {
  const { query, points, earliestSeconds, latestSeconds } = field;
  const seconds = points.seconds[point] as number;
  const phase = points.phases[point] as number;
  const latest = Math.min(query.endSeconds, latestSeconds + phase);
  const earliest = Math.max(query.startSeconds, earliestSeconds + phase);
  const { stepSeconds } = steps;
  let first = Math.max(steps.first, Math.floor((seconds - speed * latest) / stepSeconds));
  let last = Math.min(steps.last, Math.ceil((seconds - speed * earliest) / stepSeconds));
  while (first <= last && !field.meets(point, first * stepSeconds, speed)) first += 1;
  while (last >= first && !field.meets(point, last * stepSeconds, speed)) last -= 1;
  return { first, last, stepSeconds };
}

/**
 * Similarity at the point of the line at each of the offsets, as `sample` finds it, from `at` on in `target`. Between two clips of the query it goes
 * straight from that of the one to that of the other.
 */
function readSimilarities(
  field: SimilarityField,
  point: number,
  speed: number,
  { first, last, stepSeconds: offsetStep }: OffsetSteps,
  target: Float64Array,
  at: number,
): void {
  const { startsSeconds, timesteps } = field.query;
  const { values, stride } = field.cosines;
  const place = field.points.places[point] as number;
  const base = field.points.bases[point] as number;
  // Where the clip begins that is asked for: at each step this, less as many steps.
  const seconds = (field.points.seconds[point] as number) / speed - (field.points.phases[point] as number);
  const stepSeconds = offsetStep / speed;
  let step = first;
  let next = 0;
  for (let row = startsSeconds.length - 1; row >= 0 && step <= last; row -= 1) {
    const start = startsSeconds[row] as number;
    const here = values[base + row * stride] as number;
    const end = Math.min(last, Math.floor((seconds - start) / stepSeconds));
    if (step <= end) {
      const isLast = row + 1 === startsSeconds.length;
      const slope = isLast
        ? -PHASE_COST_PER_SECOND
        : (next - here) / ((startsSeconds[row + 1] as number) - start);
      const change = slope * stepSeconds;
      let similarity = here + slope * (seconds - step * stepSeconds - start);
      const from = step;
      for (; step <= end; step += 1) {
        target[at + step - first] = similarity;
        similarity -= change;
      }
      const cosine = field.neighbours.cosines[row * timesteps + place] as number;
      if (!isLast && cosine < 1) {
        // What lies between two clips is shorter than they are.
        const perSecond = 1 / ((startsSeconds[row + 1] as number) - start);
        for (let i = from; i <= end; i += 1) {
          const between = (seconds - i * stepSeconds - start) * perSecond;
          target[at + i - first] = (target[at + i - first] as number) / lengthBetween(between, cosine);
        }
      }
    }
    next = here;
  }
  // Before the first clip.
  const change = PHASE_COST_PER_SECOND * stepSeconds;
  let similarity =
    next + PHASE_COST_PER_SECOND * (seconds - step * stepSeconds - (startsSeconds[0] as number));
  for (; step <= last; step += 1) {
    target[at + step - first] = similarity;
    similarity -= change;
  }
  if (field.hasBoilerplate) cap(field, point, speed, { first, last, stepSeconds: offsetStep }, target, at);
}

function cap(
  field: SimilarityField,
  point: number,
  speed: number,
  { first, last, stepSeconds }: OffsetSteps,
  target: Float64Array,
  at: number,
): void {
  const { startsSeconds } = field.query;
  const seconds = field.points.seconds[point] as number;
  const phase = field.points.phases[point] as number;
  let near = startsSeconds.length - 1;
  for (let step = first; step <= last; step += 1) {
    const wanted = (seconds - step * stepSeconds) / speed - phase;
    while (
      near > 0 &&
      wanted - (startsSeconds[near - 1] as number) <= (startsSeconds[near] as number) - wanted
    )
      near -= 1;
    target[at + step - first] = field.capped(point, near, target[at + step - first] as number);
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
