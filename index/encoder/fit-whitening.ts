import { type WhiteningShape, whiteningLength } from './whitening.js';

/**
 * What is added to the variance in every direction, as a share of the mean variance: directions in which hardly anything varies hold noise, and would
 * otherwise count as much as all others.
 */
const SHRINKAGE = 1;

/**
 * The numbers of a whitening (`readWhitening`) from the features of many clips, each [timesteps, dimension]: their mean at each place, and the inverse
 * Cholesky factor of the covariance about these means. The cosine of two whitened features is then that of the Mahalanobis metric.
 */
export function fitWhitening(clips: readonly Float32Array[], shape: WhiteningShape): Float32Array {
  const { dimension, timesteps } = shape;
  const means = meansOf(clips, timesteps * dimension);
  const covariance = covarianceOf(clips, means, dimension);
  let trace = 0;
  for (let i = 0; i < dimension; i += 1) trace += covariance[i * dimension + i] as number;
  for (let i = 0; i < dimension; i += 1) {
    covariance[i * dimension + i] =
      (covariance[i * dimension + i] as number) + (SHRINKAGE * trace) / dimension;
  }
  const values = new Float32Array(whiteningLength(shape));
  values.set(means);
  values.set(inverseOfTriangle(choleskyFactor(covariance, dimension), dimension), means.length);
  return values;
}

function meansOf(clips: readonly Float32Array[], length: number): Float64Array {
  const means = new Float64Array(length);
  for (const clip of clips) {
    for (let i = 0; i < length; i += 1) means[i] = (means[i] as number) + (clip[i] as number) / clips.length;
  }
  return means;
}

/** [dimension, dimension], of which the lower triangle is filled. */
function covarianceOf(clips: readonly Float32Array[], means: Float64Array, dimension: number): Float64Array {
  const covariance = new Float64Array(dimension * dimension);
  const centred = new Float64Array(dimension);
  const count = (clips.length * means.length) / dimension;
  for (const clip of clips) {
    for (let place = 0; place < means.length; place += dimension) {
      for (let i = 0; i < dimension; i += 1) {
        centred[i] = (clip[place + i] as number) - (means[place + i] as number);
      }
      for (let row = 0; row < dimension; row += 1) {
        const value = (centred[row] as number) / count;
        for (let i = 0; i <= row; i += 1) {
          const at = row * dimension + i;
          covariance[at] = (covariance[at] as number) + value * (centred[i] as number);
        }
      }
    }
  }
  return covariance;
}

/** L of L L^T, row-major. */
function choleskyFactor(matrix: Float64Array, size: number): Float64Array {
  const factor = new Float64Array(size * size);
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column <= row; column += 1) {
      let rest = matrix[row * size + column] as number;
      for (let i = 0; i < column; i += 1) {
        rest -= (factor[row * size + i] as number) * (factor[column * size + i] as number);
      }
      factor[row * size + column] =
        row === column ? Math.sqrt(rest) : rest / (factor[column * size + column] as number);
    }
  }
  return factor;
}

/** Of a lower triangle, as its packed lower triangle, row after row. */
function inverseOfTriangle(factor: Float64Array, size: number): Float64Array {
  const inverse = new Float64Array((size * (size + 1)) / 2);
  const at = (row: number, column: number) => (row * (row + 1)) / 2 + column;
  for (let row = 0; row < size; row += 1) {
    const diagonal = factor[row * size + row] as number;
    inverse[at(row, row)] = 1 / diagonal;
    for (let column = 0; column < row; column += 1) {
      let sum = 0;
      for (let i = column; i < row; i += 1) {
        sum += (factor[row * size + i] as number) * (inverse[at(i, column)] as number);
      }
      inverse[at(row, column)] = -sum / diagonal;
    }
  }
  return inverse;
}
