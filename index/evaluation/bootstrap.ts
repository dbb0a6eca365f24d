import { setImmediate as nextTurn } from 'node:timers/promises';
import { seeded } from './seeded-random.js';
import type { Estimate } from './types.js';

export const CONFIDENCE = 0.95;
/** Between two turns of the event loop: some milliseconds. */
const DRAWS_PER_TURN = 500_000;

/**
 * Means over queries and their percentile bootstrap intervals. Queries are drawn whole, with replacement, the same ones for
 * every column, so that the differences of two columns can be a column, too (a paired comparison).
 *
 * @param columns one value a query each, all of the same length; a mean of nothing is null
 */
export async function bootstrapMeans(
  columns: readonly (readonly number[])[],
  options: { resamples: number; seed: number },
): Promise<Estimate[]> {
  const count = columns[0]?.length ?? 0;
  if (count === 0) return columns.map(() => ({ value: null, low: null, high: null }));
  const { resamples } = options;
  const random = seeded(options.seed);
  const means = columns.map(() => new Float64Array(resamples));
  const sums = new Float64Array(columns.length);
  let draws = 0;
  for (let resample = 0; resample < resamples; resample += 1) {
    sums.fill(0);
    for (let draw = 0; draw < count; draw += 1) {
      const query = Math.floor(random() * count);
      columns.forEach((column, i) => {
        sums[i] = (sums[i] as number) + (column[query] as number);
      });
    }
    means.forEach((column, i) => {
      column[resample] = (sums[i] as number) / count;
    });
    draws += count * columns.length;
    if (draws > DRAWS_PER_TURN) {
      draws = 0;
      await nextTurn();
    }
  }
  return columns.map((column, i) => ({ value: mean(column), ...intervalOf(means[i] as Float64Array) }));
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Between the order statistics, interpolated; `share` in [0, 1]. `sorted` is ascending and not empty. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (place - below) * (high - low);
}

function intervalOf(means: Float64Array): { low: number; high: number } {
  const sorted = means.sort();
  const tail = (1 - CONFIDENCE) / 2;
  return { low: quantile(sorted, tail), high: quantile(sorted, 1 - tail) };
}
