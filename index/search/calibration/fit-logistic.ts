import { sigmoid } from './score.js';

const ITERATIONS = 100;
const CONVERGED = 1e-9;
const LEAST_RIDGE = 0.01;

/** Weights that are expected before there are samples, and how much is expected of each: its ridge. */
export interface ExpectedWeights {
  weights: readonly number[];
  ridges: readonly number[];
}

/**
 * Weights of a logistic model by Newton's method, with a ridge about those that are expected (0 unless told), which keeps them finite when the classes
 * can be parted without error. `features` is [samples][features]; `targets` are 0 to 1.
 */
export function fitLogistic(
  features: readonly (readonly number[])[],
  targets: readonly number[],
  expected?: ExpectedWeights,
): number[] {
  const count = expected?.weights.length ?? features[0]?.length ?? 0;
  const zeros = new Array<number>(count).fill(0);
  const { weights: centre, ridges } = expected ?? { weights: zeros, ridges: zeros.map(() => LEAST_RIDGE) };
  let weights = [...centre];
  for (let iteration = 0; iteration < ITERATIONS; iteration += 1) {
    const gradient = weights.map((weight, i) => (ridges[i] as number) * (weight - (centre[i] as number)));
    const hessian = weights.map((_, i) => weights.map((__, j) => (i === j ? (ridges[i] as number) : 0)));
    features.forEach((row, sample) => {
      const probability = sigmoid(row.reduce((sum, value, i) => sum + value * (weights[i] as number), 0));
      const error = probability - (targets[sample] as number);
      const curvature = probability * (1 - probability);
      for (let i = 0; i < count; i += 1) {
        gradient[i] = (gradient[i] as number) + error * (row[i] as number);
        const line = hessian[i] as number[];
        for (let j = 0; j < count; j += 1) {
          line[j] = (line[j] as number) + curvature * (row[i] as number) * (row[j] as number);
        }
      }
    });
    const step = solve(hessian, gradient);
    weights = weights.map((weight, i) => weight - (step[i] as number));
    if (step.every((change) => Math.abs(change) < CONVERGED)) break;
  }
  return weights;
}

/** Gaussian elimination with partial pivoting; the matrix is positive definite. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i] as number]);
  const size = rows.length;
  for (let column = 0; column < size; column += 1) {
    let pivot = column;
    for (let row = column + 1; row < size; row += 1) {
      if (Math.abs(rows[row]?.[column] as number) > Math.abs(rows[pivot]?.[column] as number)) pivot = row;
    }
    [rows[column], rows[pivot]] = [rows[pivot] as number[], rows[column] as number[]];
    const lead = rows[column] as number[];
    for (let row = column + 1; row < size; row += 1) {
      const line = rows[row] as number[];
      const factor = (line[column] as number) / (lead[column] as number);
      for (let k = column; k <= size; k += 1) line[k] = (line[k] as number) - factor * (lead[k] as number);
    }
  }
  const solution = new Array<number>(size).fill(0);
  for (let row = size - 1; row >= 0; row -= 1) {
    const line = rows[row] as number[];
    let sum = line[size] as number;
    for (let k = row + 1; k < size; k += 1) sum -= (line[k] as number) * (solution[k] as number);
    solution[row] = sum / (line[row] as number);
  }
  return solution;
}
