import { defaultCalibration } from './calibration/default-calibration.js';
import { probabilityOf } from './calibration/score.js';
import type { HitEvidence } from './calibration/types.js';
import { usualHop } from './clip-track.js';
import type { SimilarityField } from './similarity-field.js';

const calibration = defaultCalibration('coarse');

/** What the score of a video may come to, from whole clips alone: tells which candidates are worth an alignment. */
export function coarseScore(field: SimilarityField, threshold: number): number {
  return probabilityOf(calibration, coarseMatch(field, threshold));
}

/**
 * What the best match at the speed of the video is worth, roughly: each clip of the video beside the clip of the query that is nearest to it at that
 * offset. Every pair of clips is looked at once, where the alignment interpolates every timestep at every offset.
 */
export function coarseMatch(field: SimilarityField, threshold: number): HitEvidence {
  const { query, video } = field;
  const similarities = field.clipSimilarities();
  const columns = video.startsSeconds.length;
  const rows = query.startsSeconds.length;
  const binSeconds = usualHop(query) || query.clipSeconds / 2;
  const binOf = (column: number, row: number) =>
    Math.round(((video.startsSeconds[column] as number) - (query.startsSeconds[row] as number)) / binSeconds);
  const firstBin = binOf(0, rows - 1);
  const runs = new Runs(binOf(columns - 1, 0) - firstBin + 1);
  for (let column = 0; column < columns; column += 1) {
    const seconds = secondsOf(field, column);
    for (let row = 0; row < rows; row += 1) {
      const similarity = similarities[row * columns + column] as number;
      // What stands everywhere speaks for no offset.
      const isBlank = query.weights[row] === 0 || video.weights[column] === 0;
      const own = isBlank ? Math.min(similarity, threshold) : similarity;
      runs.add(binOf(column, row) - firstBin, own, own - threshold, seconds);
    }
  }
  const matchedSeconds = Math.min(field.querySeconds, runs.bestSeconds);
  return {
    similarity: runs.bestSeconds > 0 ? runs.bestSum / runs.bestSeconds : 0,
    coverage: matchedSeconds / field.querySeconds,
    matchedSeconds,
    // Whole clips tell little of what changes.
    changeCorrelation: null,
  };
}

/** Of the video, what a clip stands for: up to the next one. */
function secondsOf({ video }: SimilarityField, column: number): number {
  const { startsSeconds, clipSeconds } = video;
  const at = Math.min(column, startsSeconds.length - 2);
  return at < 0 ? clipSeconds : (startsSeconds[at + 1] as number) - (startsSeconds[at] as number);
}

/** Of each offset, the run of clips that ends here and has the most evidence; and the best of all. */
class Runs {
  readonly #evidences: Float64Array;
  readonly #seconds: Float64Array;
  /** Similarity x seconds. */
  readonly #sums: Float64Array;
  #most = 0;
  bestSeconds = 0;
  bestSum = 0;

  constructor(count: number) {
    this.#evidences = new Float64Array(count);
    this.#seconds = new Float64Array(count);
    this.#sums = new Float64Array(count);
  }

  add(run: number, similarity: number, gain: number, seconds: number): void {
    const evidence = (this.#evidences[run] as number) + gain * seconds;
    const goesOn = evidence > 0;
    this.#evidences[run] = goesOn ? evidence : 0;
    this.#seconds[run] = goesOn ? (this.#seconds[run] as number) + seconds : 0;
    this.#sums[run] = goesOn ? (this.#sums[run] as number) + similarity * seconds : 0;
    if (evidence <= this.#most) return;
    this.#most = evidence;
    this.bestSeconds = this.#seconds[run] as number;
    this.bestSum = this.#sums[run] as number;
  }
}
