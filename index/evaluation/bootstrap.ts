import { setImmediate as nextTurn } from 'node:timers/promises';
import { seeded } from './seeded-random.js';
import type { Estimate } from './types.js';

export const CONFIDENCE = 0.95;
/** Between two turns of the event loop: some milliseconds. */
const DRAWS_PER_TURN = 500_000;

export interface BootstrapOptions {
  resamples: number;
  seed: number;
}

/**
 * Means over queries and their percentile bootstrap intervals. Queries are drawn whole, with replacement, the same ones for
 * every column, so that the differences of two columns can be a column, too (a paired comparison).
 *
 * @param columns one value a query each, all of the same length; a mean of nothing is null
 * @param groups what each query was made of: queries that share their origin succeed and fail together, so they are drawn together. Each its own
 *   unless told.
 */
export async function bootstrapMeans(
  columns: readonly (readonly number[])[],
  options: BootstrapOptions & { groups?: readonly string[] | undefined },
): Promise<Estimate[]> {
  const queryCount = columns[0]?.length ?? 0;
  if (queryCount === 0) return columns.map(() => ({ value: null, low: null, high: null }));
  const { resamples } = options;
  const random = seeded(options.seed);
  const { sizes, totals } = groupTotals(columns, options.groups);
  const means = columns.map(() => new Float64Array(resamples));
  const sums = new Float64Array(columns.length);
  let draws = 0;
  for (let resample = 0; resample < resamples; resample += 1) {
    sums.fill(0);
    let drawn = 0;
    for (let draw = 0; draw < sizes.length; draw += 1) {
      const group = Math.floor(random() * sizes.length);
      drawn += sizes[group] as number;
      totals.forEach((total, i) => {
        sums[i] = (sums[i] as number) + (total[group] as number);
      });
    }
    means.forEach((column, i) => {
      column[resample] = (sums[i] as number) / drawn;
    });
    draws += sizes.length * columns.length;
    if (draws > DRAWS_PER_TURN) {
      draws = 0;
      await nextTurn();
    }
  }
  return columns.map((column, i) => ({ value: mean(column), ...intervalOf(means[i] as Float64Array) }));
}

/** Queries in each group, and the sum of each column over them. */
function groupTotals(
  columns: readonly (readonly number[])[],
  groups: readonly string[] | undefined,
): { sizes: readonly number[]; totals: readonly (readonly number[])[] } {
  if (!groups) return { sizes: (columns[0] as readonly number[]).map(() => 1), totals: columns };
  const places = new Map([...new Set(groups)].map((group, place) => [group, place]));
  const summed = (column: readonly number[]) => {
    const sums = new Array<number>(places.size).fill(0);
    groups.forEach((group, query) => {
      const place = places.get(group) as number;
      sums[place] = (sums[place] as number) + (column[query] as number);
    });
    return sums;
  };
  return { sizes: summed(groups.map(() => 1)), totals: columns.map(summed) };
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
