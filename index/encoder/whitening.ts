import { readFile } from 'node:fs/promises';
import { CliptraceError } from '../errors.js';

/**
 * How timestep features are made comparable: those of one encoder crowd in a few directions that say what kind of scene a clip shows, and in
 * which all clips of a scene agree. Where directions count by how much they tell apart, two moments of one scene do.
 */
export interface Whitening {
  dimension: number;
  /** [timesteps, dimension]: what features of that place have in common. */
  means: Float32Array;
  /** Lower triangle, row after row: the inverse of the Cholesky factor of the features' covariance. */
  triangle: Float32Array;
}

export interface WhiteningShape {
  dimension: number;
  timesteps: number;
}

/** Numbers in the file of a whitening: means, then the triangle. */
export function whiteningLength({ dimension, timesteps }: WhiteningShape): number {
  return timesteps * dimension + (dimension * (dimension + 1)) / 2;
}

/** Of the numbers of a file, in the order of `Whitening`. MODEL_INVALID when there are too few, too many, or such that are not finite. */
export function whiteningOf(values: Float32Array, shape: WhiteningShape, source: string): Whitening {
  const { dimension, timesteps } = shape;
  if (values.length !== whiteningLength(shape) || !values.every(Number.isFinite)) {
    throw new CliptraceError(
      'MODEL_INVALID',
      `The whitening ${source} has ${values.length} numbers; ${whiteningLength(shape)} finite ones are wanted for ` +
        `${timesteps} timesteps of ${dimension}. Fit it again (cliptrace whiten), or install Cliptrace again.`,
    );
  }
  const meansLength = timesteps * dimension;
  return { dimension, means: values.subarray(0, meansLength), triangle: values.subarray(meansLength) };
}

/** From a file of float32, little-endian. */
export async function readWhitening(filePath: string, shape: WhiteningShape): Promise<Whitening> {
  const bytes = await readFile(filePath);
  // Copy: a pooled buffer need not lie at a multiple of four.
  const values = new Float32Array(
    Uint8Array.from(bytes.subarray(0, bytes.length - (bytes.length % 4))).buffer,
  );
  return whiteningOf(values, shape, filePath);
}

/** Features that are multiplied side by side: one sum after another would wait for each addition. */
const LANES = 4;

/**
 * The whitened features, each at norm 1: [clips, timesteps, dimension], like what is given. Multiplications: dimension^2 / 2 for each
 * timestep, a hundredth of what the shipped encoder takes for it.
 */
export function whitened(features: Float32Array, whitening: Whitening): Float32Array {
  const { dimension, means } = whitening;
  const out = new Float32Array(features.length);
  /** [dimension, lanes]: less their means. */
  const centred = new Float64Array(dimension * LANES);
  for (let start = 0; start < features.length; start += dimension * LANES) {
    const end = Math.min(start + dimension * LANES, features.length);
    for (let from = start, lane = 0; from < end; from += dimension, lane += 1) {
      const mean = from % means.length;
      for (let i = 0; i < dimension; i += 1) {
        centred[i * LANES + lane] = (features[from + i] as number) - (means[mean + i] as number);
      }
    }
    const squares = multiply(centred, whitening, out, start);
    for (let from = start, lane = 0; from < end; from += dimension, lane += 1) {
      // A feature that is the mean itself has no direction, and is like nothing.
      const scale = (squares[lane] as number) > 0 ? 1 / Math.sqrt(squares[lane] as number) : 0;
      for (let i = from; i < from + dimension; i += 1) out[i] = (out[i] as number) * scale;
    }
  }
  return out;
}

/**
 * The triangle times each lane, each sum in the order of its row; a lane behind the end of `out` is written nowhere. Returns the sum of
 * squares of each lane.
 */
function multiply(
  centred: Float64Array,
  { dimension, triangle }: Whitening,
  out: Float32Array,
  start: number,
): number[] {
  let [aa, bb, cc, dd] = [0, 0, 0, 0];
  for (let row = 0, at = 0; row < dimension; row += 1) {
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let k = 0; k <= row * LANES; k += LANES, at += 1) {
      const factor = triangle[at] as number;
      a += factor * (centred[k] as number);
      b += factor * (centred[k + 1] as number);
      c += factor * (centred[k + 2] as number);
      d += factor * (centred[k + 3] as number);
    }
    const place = start + row;
    out[place] = a;
    out[place + dimension] = b;
    out[place + 2 * dimension] = c;
    out[place + 3 * dimension] = d;
    aa += a * a;
    bb += b * b;
    cc += c * c;
    dd += d * d;
  }
  return [aa, bb, cc, dd];
}
