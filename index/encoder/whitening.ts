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

/**
 * The whitened features, each at norm 1: [clips, timesteps, dimension], like what is given. Multiplications: dimension^2 / 2 for each
 * timestep, a hundredth of what the shipped encoder takes for it.
 */
export function whitened(features: Float32Array, { dimension, means, triangle }: Whitening): Float32Array {
  const out = new Float32Array(features.length);
  const centred = new Float64Array(dimension);
  for (let start = 0; start < features.length; start += dimension) {
    const mean = start % means.length;
    for (let i = 0; i < dimension; i += 1) {
      centred[i] = (features[start + i] as number) - (means[mean + i] as number);
    }
    let squares = 0;
    let at = 0;
    for (let row = 0; row < dimension; row += 1) {
      let sum = 0;
      for (let i = 0; i <= row; i += 1, at += 1) sum += (triangle[at] as number) * (centred[i] as number);
      out[start + row] = sum;
      squares += sum * sum;
    }
    // A feature that is the mean itself has no direction, and is like nothing.
    const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0;
    for (let i = start; i < start + dimension; i += 1) out[i] = (out[i] as number) * scale;
  }
  return out;
}
