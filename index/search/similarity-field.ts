import { dot } from '../vectors/dot.js';
import { ownShares, timestepWeights, weightAt } from './boilerplate/moment-weights.js';
import type { ClipTrack } from './clip-track.js';

/** Video time = offsetSeconds + speed x query time. */
export interface Line {
  offsetSeconds: number;
  speed: number;
}

/** What a second of distance between the phases of a query clip and a video clip costs, where there is nothing between to interpolate. */
const PHASE_COST_PER_SECOND = 0.2;
/** How finely the weight of the query is summed up. */
const WEIGHT_CELL_SECONDS = 0.125;

/**
 * A timestep of the video that falls on the query, in query time, and how similar the query is there; what a second of it counts for; the
 * similarity without the cap of boilerplate; and how much of the clips that were compared is other footage, [0, 1].
 */
export type VisitPoint = (
  querySeconds: number,
  similarity: number,
  weight: number,
  uncapped: number,
  ownShare: number,
) => void;

/**
 * The similarities of every query clip with every video clip, place by place, and what they say along a line.
 *
 * A timestep of the video is compared only with timesteps of the same place in their clip, because the encoder sees more of the surroundings in
 * the middle of a clip than at its ends, and because TCLR's global-local loss teaches it to tell the places of a clip apart. Where the line
 * asks for a query clip between two that there are, their similarities are interpolated.
 */
export class SimilarityField {
  readonly query: ClipTrack;
  readonly video: ClipTrack;
  /** [places, query clips, video clips] */
  readonly #cosines: Float32Array;
  /** Points in order of video time: column x places + place, and the time of each. */
  readonly #order: Int32Array;
  readonly #pointSeconds: Float64Array;
  /** How far beyond its first and last clip the query answers, so that every line meets at least one point. */
  readonly #slackSeconds: number;
  /** What the last `sample` found: of each point its time in the query, its similarity, that without the cap, its number and the query clip that is nearest. */
  readonly sampled: {
    readonly seconds: Float64Array;
    readonly similarities: Float64Array;
    readonly uncapped: Float64Array;
    readonly points: Int32Array;
    readonly rows: Int32Array;
  };
  readonly #cap: number;
  /** Of query and video, [clips, timesteps]; null without boilerplate. */
  readonly #weights: readonly [Float64Array, Float64Array] | null;
  /** Of each clip of query and video, the share of timesteps that are not boilerplate. */
  readonly #ownShares: readonly [Float64Array, Float64Array] | null;
  /** Some clip of query or video counts for less than others. */
  readonly hasBoilerplate: boolean;

  /** `cap`: where query or video shows what stands everywhere, nothing is more similar than that. No cap unless told. */
  constructor(query: ClipTrack, video: ClipTrack, cap = Number.POSITIVE_INFINITY) {
    this.query = query;
    this.video = video;
    this.#cap = cap;
    this.hasBoilerplate = [query, video].some(({ weights }) => weights.some((weight) => weight < 1));
    this.#weights = this.hasBoilerplate ? [timestepWeights(query), timestepWeights(video)] : null;
    this.#ownShares = this.#weights && [
      ownShares(this.#weights[0], query.timesteps),
      ownShares(this.#weights[1], query.timesteps),
    ];
    const { timesteps } = query;
    this.#cosines = cosines(query, video);
    const cellSeconds = query.clipSeconds / timesteps;
    const points = Array.from({ length: video.startsSeconds.length * timesteps }, (_, point) => ({
      point,
      seconds:
        (video.startsSeconds[Math.floor(point / timesteps)] as number) +
        ((point % timesteps) + 0.5) * cellSeconds,
    }))
      // The rest of a clip that is longer than its video repeats it.
      .filter(({ point, seconds }) => seconds < video.endSeconds || point % timesteps === 0)
      .sort((a, b) => a.seconds - b.seconds);
    this.#order = Int32Array.from(points, ({ point }) => point);
    this.#pointSeconds = Float64Array.from(points, ({ seconds }) => seconds);
    this.sampled = {
      seconds: new Float64Array(points.length),
      similarities: new Float64Array(points.length),
      uncapped: new Float64Array(points.length),
      points: new Int32Array(points.length),
      rows: new Int32Array(points.length),
    };
    const queryLength = lastStart(query) - firstStart(query);
    this.#slackSeconds = Math.max(usualHop(query) / 2, (widestHop(video) - queryLength) / 2, 1e-6);
  }

  /** The same, where boilerplate is at most so similar. */
  withCap(cap: number): SimilarityField {
    return this.hasBoilerplate ? new SimilarityField(this.query, this.video, cap) : this;
  }

  get querySeconds(): number {
    return this.query.endSeconds - this.query.startSeconds;
  }

  /** Seconds of the query, each by its weight. */
  get queryWeightSeconds(): number {
    const { startSeconds } = this.query;
    const cells = Math.max(1, Math.round(this.querySeconds / WEIGHT_CELL_SECONDS));
    let sum = 0;
    for (let cell = 0; cell < cells; cell += 1) {
      sum += weightAt(this.query, startSeconds + ((cell + 0.5) / cells) * this.querySeconds);
    }
    return (this.querySeconds * sum) / cells;
  }

  /** Visits the points along the line in order of time, and returns how many there are. */
  along(line: Line, visit: VisitPoint): number {
    const count = this.sample(line);
    const { seconds, similarities, uncapped, points, rows } = this.sampled;
    const { timesteps } = this.query;
    const [weights, shares] = [this.#weights, this.#ownShares];
    for (let i = 0; i < count; i += 1) {
      const [point, row] = [points[i] as number, rows[i] as number];
      const weight = weights ? this.#weightOf(weights, point, row) : 1;
      const ownShare = shares
        ? Math.min(shares[0][row] as number, shares[1][Math.floor(point / timesteps)] as number)
        : 1;
      visit(seconds[i] as number, similarities[i] as number, weight, uncapped[i] as number, ownShare);
    }
    return count;
  }

  /**
   * Puts the points along the line into `sampled`, in order of time, and returns how many there are. A search over lines does little else, so it
   * neither calls back nor makes anything.
   */
  sample({ offsetSeconds, speed }: Line): number {
    const { startsSeconds, timesteps, clipSeconds, startSeconds, endSeconds } = this.query;
    const cellSeconds = clipSeconds / timesteps;
    const rowCount = startsSeconds.length;
    const first = startsSeconds[0] as number;
    const last = startsSeconds[rowCount - 1] as number;
    const columns = this.video.startsSeconds.length;
    const hop = usualHop(this.query) || 1;
    const slack = this.#slackSeconds;
    const [order, pointSeconds, cosines, weights] = [
      this.#order,
      this.#pointSeconds,
      this.#cosines,
      this.#weights,
    ];
    const { seconds, similarities, uncapped, points, rows } = this.sampled;
    let count = 0;
    const from = lowerBound(pointSeconds, offsetSeconds + speed * startSeconds);
    for (let i = from; i < order.length; i += 1) {
      const querySeconds = ((pointSeconds[i] as number) - offsetSeconds) / speed;
      if (querySeconds >= endSeconds) break;
      const point = order[i] as number;
      const place = point % timesteps;
      const wanted = querySeconds - (place + 0.5) * cellSeconds;
      if (wanted < first - slack || wanted > last + slack) continue;
      let row = Math.floor((wanted - first) / hop);
      if (row < 0) row = 0;
      else if (row >= rowCount) row = rowCount - 1;
      while (row > 0 && (startsSeconds[row] as number) > wanted) row -= 1;
      while (row + 1 < rowCount && (startsSeconds[row + 1] as number) <= wanted) row += 1;
      const base = (place * rowCount + row) * columns + (point - place) / timesteps;
      let similarity = cosines[base] as number;
      let near = row;
      if (wanted < first) similarity -= PHASE_COST_PER_SECOND * (first - wanted);
      else if (row + 1 === rowCount) similarity -= PHASE_COST_PER_SECOND * (wanted - last);
      else {
        const start = startsSeconds[row] as number;
        const between = (wanted - start) / ((startsSeconds[row + 1] as number) - start);
        if (between > 0) similarity += between * ((cosines[base + columns] as number) - similarity);
        if (between > 0.5) near = row + 1;
      }
      seconds[count] = querySeconds;
      points[count] = point;
      rows[count] = near;
      uncapped[count] = similarity;
      const isCapped =
        weights !== null && similarity > this.#cap && this.#weightOf(weights, point, near) === 0;
      similarities[count] = isCapped ? this.#cap : similarity;
      count += 1;
    }
    return count;
  }

  #weightOf([query, video]: readonly [Float64Array, Float64Array], point: number, row: number): number {
    const { timesteps } = this.query;
    return Math.min(query[row * timesteps + (point % timesteps)] as number, video[point] as number);
  }

  /**
   * What the query could reach if each of its moments lay on the moment of the video that is most like it, in no order: sum of
   * (similarity - threshold) x seconds. Hardly any line has more.
   */
  evidenceAtMost(threshold: number): number {
    const { startsSeconds, timesteps } = this.query;
    const columns = this.video.startsSeconds.length;
    let sum = 0;
    for (let base = 0; base < this.#cosines.length; base += columns) {
      let most = threshold;
      for (let i = base; i < base + columns; i += 1) {
        if ((this.#cosines[i] as number) > most) most = this.#cosines[i] as number;
      }
      sum += most - threshold;
    }
    return (sum * this.querySeconds) / (startsSeconds.length * timesteps);
  }

  /** Mean over the places, [query clips, video clips], row-major: what a person looks at. */
  clipSimilarities(): Float32Array {
    const { timesteps } = this.query;
    const size = this.#cosines.length / timesteps;
    return Float32Array.from({ length: size }, (_, i) => {
      let sum = 0;
      for (let place = 0; place < timesteps; place += 1) sum += this.#cosines[place * size + i] as number;
      return sum / timesteps;
    });
  }

  /** Of each clip of the query, the similarity to the nearest clip of the video, [query clips]. */
  bestSimilarities(): number[] {
    const columns = this.video.startsSeconds.length;
    const similarities = this.clipSimilarities();
    return Array.from(this.query.startsSeconds, (_, row) =>
      similarities.subarray(row * columns, (row + 1) * columns).reduce((a, b) => Math.max(a, b), -1),
    );
  }
}

function cosines(query: ClipTrack, video: ClipTrack): Float32Array {
  const { timesteps, dimension } = query;
  const rows = query.startsSeconds.length;
  const columns = video.startsSeconds.length;
  const field = new Float32Array(timesteps * rows * columns);
  for (let place = 0; place < timesteps; place += 1) {
    for (let i = 0; i < rows; i += 1) {
      const base = (place * rows + i) * columns;
      const row = (i * timesteps + place) * dimension;
      let j = 0;
      for (; j + 3 < columns; j += 4) {
        fourDots(field, base + j, query.features, row, video.features, {
          first: (j * timesteps + place) * dimension,
          stride: timesteps * dimension,
          length: dimension,
        });
      }
      for (; j < columns; j += 1) {
        field[base + j] = dot(
          query.features,
          i * timesteps + place,
          video.features,
          j * timesteps + place,
          dimension,
        );
      }
    }
  }
  return field;
}

/** Inner products of one row with four others that lie `stride` apart: what is read of the one serves all four. */
function fourDots(
  target: Float32Array,
  at: number,
  left: Float32Array,
  row: number,
  right: Float32Array,
  { first, stride, length }: { first: number; stride: number; length: number },
): void {
  const [second, third, fourth] = [first + stride, first + 2 * stride, first + 3 * stride];
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let d = 0; d < length; d += 1) {
    const value = left[row + d] as number;
    s0 += value * (right[first + d] as number);
    s1 += value * (right[second + d] as number);
    s2 += value * (right[third + d] as number);
    s3 += value * (right[fourth + d] as number);
  }
  target[at] = s0;
  target[at + 1] = s1;
  target[at + 2] = s2;
  target[at + 3] = s3;
}

export function firstStart(track: ClipTrack): number {
  return track.startsSeconds[0] as number;
}

export function lastStart(track: ClipTrack): number {
  return track.startsSeconds[track.startsSeconds.length - 1] as number;
}

/** The first hop: the last clip may stand nearer to the one before, because it ends with the video. 0 for a single clip. */
export function usualHop({ startsSeconds }: ClipTrack): number {
  return startsSeconds.length < 2 ? 0 : (startsSeconds[1] as number) - (startsSeconds[0] as number);
}

function widestHop({ startsSeconds }: ClipTrack): number {
  let widest = 0;
  for (let i = 1; i < startsSeconds.length; i += 1) {
    widest = Math.max(widest, (startsSeconds[i] as number) - (startsSeconds[i - 1] as number));
  }
  return widest;
}

/** Index of the first value that is not below `wanted`. */
function lowerBound(ascending: Float64Array, wanted: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
