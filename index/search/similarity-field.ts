import { freshMemory, type NumberMemory } from '../number-memory.js';
import { type PlaceProducts, placeProducts } from '../simd/row-products.js';
import { ownShares, timestepWeights, weightAt } from './boilerplate/moment-weights.js';
import { PHASE_COST_PER_SECOND, ROUNDING_SECONDS } from './clip-lattice.js';
import { type ClipNeighbours, clipNeighbours, lengthBetween } from './clip-neighbours.js';
import { type ClipTrack, firstStart, lastStart, usualHop } from './clip-track.js';

/** Video time = offsetSeconds + speed x query time. */
export interface Line {
  offsetSeconds: number;
  speed: number;
}

export interface FieldOptions {
  /** Where query or video shows what stands everywhere, nothing is more similar than that. No cap unless told. */
  cap?: number;
  /** Where they are known from another field of the two. */
  cosines?: PlaceProducts;
  /** Where the numbers of the field are put: it is of use for as long as they are. Memory of its own unless told. */
  memory?: NumberMemory;
}

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
  /** Where what is found out in this field is put. */
  readonly memory: NumberMemory;
  /** [places, query clips, video clips] */
  readonly cosines: PlaceProducts;
  /** Of the query's timesteps. */
  readonly neighbours: ClipNeighbours;
  /** Starts of clips that the query answers for: a little beyond its first and last clip, so that every line meets at least one point. */
  readonly earliestSeconds: number;
  readonly latestSeconds: number;
  readonly #cap: number;
  #points: FieldPoints | undefined;
  #sampled: SampledPoints | undefined;
  #clipSimilarities: Float32Array | undefined;
  /** Of query and video, [clips, timesteps]; null without boilerplate. */
  readonly #weights: readonly [Float64Array, Float64Array] | null;
  /** Of each clip of query and video, the share of timesteps that are not boilerplate. */
  readonly #ownShares: readonly [Float64Array, Float64Array] | null;
  /** Some clip of query or video counts for less than others. */
  readonly hasBoilerplate: boolean;

  constructor(query: ClipTrack, video: ClipTrack, options: FieldOptions = {}) {
    const { cap = Number.POSITIVE_INFINITY, memory = freshMemory } = options;
    this.memory = memory;
    this.query = query;
    this.video = video;
    this.#cap = cap;
    this.hasBoilerplate = [query, video].some(({ weights }) => weights.some((weight) => weight < 1));
    this.#weights = this.hasBoilerplate ? [timestepWeights(query), timestepWeights(video)] : null;
    this.#ownShares = this.#weights && [
      ownShares(this.#weights[0], query.timesteps),
      ownShares(this.#weights[1], query.timesteps),
    ];
    this.cosines = options.cosines ?? cosinesOf(query, video, memory);
    this.neighbours = clipNeighbours(query);
    const queryLength = lastStart(query) - firstStart(query);
    const slackSeconds =
      Math.max(usualHop(query) / 2, (widestHop(video) - queryLength) / 2, 1e-6) + ROUNDING_SECONDS;
    this.earliestSeconds = firstStart(query) - slackSeconds;
    this.latestSeconds = lastStart(query) + slackSeconds;
  }

  /** The same, where boilerplate is at most so similar. */
  withCap(cap: number): SimilarityField {
    if (!this.hasBoilerplate) return this;
    const { query, video, cosines, memory } = this;
    return new SimilarityField(query, video, { cap, cosines, memory });
  }

  /** Made for the first line: many a field is only looked at as a whole. */
  get points(): FieldPoints {
    this.#points ??= pointsOf(this.query, this.video, this.cosines.stride, this.memory);
    return this.#points;
  }

  /** What the last `sample` found. */
  get sampled(): SampledPoints {
    this.#sampled ??= sampledPoints(this.points.seconds.length, this.hasBoilerplate, this.memory);
    return this.#sampled;
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
    const { seconds, similarities, uncapped, points, rows, betweens } = this.sampled;
    const { timesteps } = this.query;
    const { numbers } = this.points;
    const [weights, shares] = [this.#weights, this.#ownShares];
    for (let i = 0; i < count; i += 1) {
      const [at, similarity] = [seconds[i] as number, similarities[i] as number];
      if (!weights || !shares) {
        visit(at, similarity, 1, similarity, 1);
        continue;
      }
      const point = numbers[points[i] as number] as number;
      const row = (rows[i] as number) + ((betweens[i] as number) > 0.5 ? 1 : 0);
      const ownShare = Math.min(shares[0][row] as number, shares[1][Math.floor(point / timesteps)] as number);
      visit(at, similarity, this.#weightOf(weights, point, row), uncapped[i] as number, ownShare);
    }
    return count;
  }

  /**
   * Puts the points along the line into `sampled`, in order of time, and returns how many there are. A search over lines does little else, so it
   * neither calls back nor makes anything.
   */
  sample({ offsetSeconds, speed }: Line): number {
    const { startsSeconds, timesteps, startSeconds, endSeconds } = this.query;
    const { values, stride } = this.cosines;
    const { seconds: pointSeconds, phases, places, bases } = this.points;
    const { seconds, similarities, points: sampledPoints, rows, betweens } = this.sampled;
    const { cosines } = this.neighbours;
    const lastRow = startsSeconds.length - 1;
    const first = startsSeconds[0] as number;
    const last = startsSeconds[lastRow] as number;
    const { earliestSeconds: earliest, latestSeconds: latest } = this;
    const hopsPerSecond = 1 / (usualHop(this.query) || 1);
    const isCapped = this.#weights !== null;
    let count = 0;
    const firstSeconds = offsetSeconds + speed * (startSeconds - ROUNDING_SECONDS);
    for (let i = lowerBound(pointSeconds, firstSeconds); i < bases.length; i += 1) {
      const at = ((pointSeconds[i] as number) - offsetSeconds) / speed;
      if (at >= endSeconds - ROUNDING_SECONDS) break;
      const wanted = at - (phases[i] as number);
      if (wanted < earliest || wanted > latest) continue;
      let row = ((wanted - first) * hopsPerSecond) | 0;
      if (row < 0) row = 0;
      else if (row > lastRow) row = lastRow;
      while (row > 0 && (startsSeconds[row] as number) > wanted) row -= 1;
      while (row < lastRow && (startsSeconds[row + 1] as number) <= wanted) row += 1;
      const base = (bases[i] as number) + row * stride;
      let similarity = values[base] as number;
      let between = 0;
      if (wanted < first) similarity -= PHASE_COST_PER_SECOND * (first - wanted);
      else if (row === lastRow) similarity -= PHASE_COST_PER_SECOND * (wanted - last);
      else {
        const start = startsSeconds[row] as number;
        between = (wanted - start) / ((startsSeconds[row + 1] as number) - start);
        similarity += between * ((values[base + stride] as number) - similarity);
        const cosine = cosines[row * timesteps + (places[i] as number)] as number;
        if (cosine < 1) similarity /= lengthBetween(between, cosine);
      }
      seconds[count] = at;
      sampledPoints[count] = i;
      rows[count] = row;
      betweens[count] = between;
      if (isCapped) {
        this.sampled.uncapped[count] = similarity;
        similarity = this.capped(i, between > 0.5 ? row + 1 : row, similarity);
      }
      similarities[count] = similarity;
      count += 1;
    }
    return count;
  }

  /** The similarity of a point with a clip of the query, with the cap where either is what stands everywhere. */
  capped(point: number, row: number, similarity: number): number {
    if (similarity <= this.#cap || !this.#weights) return similarity;
    const weight = this.#weightOf(this.#weights, this.points.numbers[point] as number, row);
    return weight === 0 ? this.#cap : similarity;
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
    const sum = this.highestCosines().reduce((gains, most) => gains + Math.max(0, most - threshold), 0);
    return (sum * this.querySeconds) / (startsSeconds.length * timesteps);
  }

  /** Of each timestep of the query the highest similarity to any of the video, [places, query clips]. */
  highestCosines(): Float64Array {
    const { startsSeconds, timesteps } = this.query;
    const { values, stride } = this.cosines;
    const columns = this.video.startsSeconds.length;
    const highest = this.memory.float64(timesteps * startsSeconds.length).fill(-1);
    for (let row = 0; row < highest.length; row += 1) {
      for (let i = row * stride; i < row * stride + columns; i += 1) {
        if ((values[i] as number) > (highest[row] as number)) highest[row] = values[i] as number;
      }
    }
    return highest;
  }

  /** Mean over the places, [query clips, video clips], row-major: what a person looks at. Not to be written to: it is found out once. */
  clipSimilarities(): Float32Array {
    this.#clipSimilarities ??= this.#meanOverPlaces();
    return this.#clipSimilarities;
  }

  #meanOverPlaces(): Float32Array {
    const { timesteps, startsSeconds } = this.query;
    const { values, stride } = this.cosines;
    const [rows, columns] = [startsSeconds.length, this.video.startsSeconds.length];
    const means = this.memory.float32(rows * columns);
    for (let row = 0; row < rows; row += 1) {
      for (let column = 0; column < columns; column += 1) {
        let sum = 0;
        for (let place = 0; place < timesteps; place += 1) {
          sum += values[(place * rows + row) * stride + column] as number;
        }
        means[row * columns + column] = sum / timesteps;
      }
    }
    return means;
  }

  /** Of each clip of the query, the similarity to the nearest clip of the video, [query clips]. */
  bestSimilarities(): Float64Array {
    const columns = this.video.startsSeconds.length;
    const similarities = this.clipSimilarities();
    const best = this.memory.float64(this.query.startsSeconds.length).fill(-1);
    for (let row = 0; row < best.length; row += 1) {
      for (let i = row * columns; i < (row + 1) * columns; i += 1) {
        if ((similarities[i] as number) > (best[row] as number)) best[row] = similarities[i] as number;
      }
    }
    return best;
  }
}

/** Timesteps of the video that lie on the query along a line, in order of time. */
export interface SampledPoints {
  /** In the query. */
  readonly seconds: Float64Array;
  readonly similarities: Float64Array;
  /** Positions in `FieldPoints`. */
  readonly points: Int32Array;
  /** The clip of the query that begins before what the line asks for, and how far on the way to the next that is, [0, 1]. */
  readonly rows: Int32Array;
  readonly betweens: Float64Array;
  /** Similarities without the cap; only where there is boilerplate. */
  readonly uncapped: Float64Array;
}

function sampledPoints(count: number, hasBoilerplate: boolean, memory: NumberMemory): SampledPoints {
  return {
    seconds: memory.float64(count),
    similarities: memory.float64(count),
    points: memory.int32(count),
    rows: memory.int32(count),
    betweens: memory.float64(count),
    uncapped: memory.float64(hasBoilerplate ? count : 0),
  };
}

/** The timesteps of the video that lines may meet, in order of time. */
export interface FieldPoints {
  /** Video time. */
  seconds: Float64Array;
  /** Seconds from the start of its clip. */
  phases: Float64Array;
  /** Which timestep of its clip it is. */
  places: Int32Array;
  /** Where its similarity to the first clip of the query stands. */
  bases: Int32Array;
  /** Clip x timesteps + place. */
  numbers: Int32Array;
}

function pointsOf(query: ClipTrack, video: ClipTrack, stride: number, memory: NumberMemory): FieldPoints {
  const { timesteps, clipSeconds } = query;
  const rows = query.startsSeconds.length;
  const clips = video.startsSeconds.length;
  const phases = Float64Array.from(
    { length: timesteps },
    (_, place) => ((place + 0.5) * clipSeconds) / timesteps,
  );
  const points = {
    numbers: memory.int32(clips * timesteps),
    seconds: memory.float64(clips * timesteps),
    phases: memory.float64(clips * timesteps),
    places: memory.int32(clips * timesteps),
    bases: memory.int32(clips * timesteps),
  };
  // The timesteps of one place are in order of time already: of each place, the clip that comes next.
  const next = new Int32Array(timesteps);
  let count = 0;
  for (let left = clips * timesteps; left > 0; left -= 1) {
    let place = -1;
    let seconds = Number.POSITIVE_INFINITY;
    for (let other = 0; other < timesteps; other += 1) {
      const clip = next[other] as number;
      if (clip === clips) continue;
      const at = (video.startsSeconds[clip] as number) + (phases[other] as number);
      // Of two at the same time, that of the clip that comes first.
      if (at < seconds || (at === seconds && clip < (next[place] as number))) {
        place = other;
        seconds = at;
      }
    }
    const clip = next[place] as number;
    next[place] = clip + 1;
    // The rest of a clip that is longer than its video repeats it.
    if (seconds >= video.endSeconds && place > 0) continue;
    points.numbers[count] = clip * timesteps + place;
    points.seconds[count] = seconds;
    points.phases[count] = phases[place] as number;
    points.places[count] = place;
    points.bases[count] = place * rows * stride + clip;
    count += 1;
  }
  return {
    numbers: points.numbers.subarray(0, count),
    seconds: points.seconds.subarray(0, count),
    phases: points.phases.subarray(0, count),
    places: points.places.subarray(0, count),
    bases: points.bases.subarray(0, count),
  };
}

function cosinesOf(query: ClipTrack, video: ClipTrack, memory: NumberMemory): PlaceProducts {
  const { timesteps: places, dimension } = query;
  return placeProducts({ left: query.features, right: video.features, places, dimension }, memory);
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
