import { describe, expect, it } from 'vitest';
import { bootstrapMeans, quantile } from '../../index/evaluation/bootstrap.js';
import { seeded } from '../../index/evaluation/seeded-random.js';

/** The same draws, one resample written out after the other. */
function slowInterval(column: readonly number[], resamples: number, seed: number): [number, number] {
  const random = seeded(seed);
  const means = Array.from({ length: resamples }, () => {
    const drawn = column.map(() => column[Math.floor(random() * column.length)] as number);
    return drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
  }).sort((a, b) => a - b);
  const at = (share: number) => {
    const place = share * (resamples - 1);
    const [low, high] = [means[Math.floor(place)] as number, means[Math.ceil(place)] as number];
    return low * (1 - (place - Math.floor(place))) + high * (place - Math.floor(place));
  };
  return [at(0.025), at(0.975)];
}

function coin(count: number, share: number, seed: number): number[] {
  const random = seeded(seed);
  return Array.from({ length: count }, () => (random() < share ? 1 : 0));
}

describe('the bootstrap', () => {
  it('agrees with the slow way, for every column at once', async () => {
    const columns = [coin(30, 0.7, 1), coin(30, 0.2, 2), coin(30, 0.5, 3).map((value) => value / 3)];
    const estimates = await bootstrapMeans(columns, { resamples: 400, seed: 5 });
    columns.forEach((column, i) => {
      const [low, high] = slowInterval(column, 400, 5);
      expect(estimates[i]?.low).toBeCloseTo(low, 12);
      expect(estimates[i]?.high).toBeCloseTo(high, 12);
      expect(estimates[i]?.value).toBeCloseTo(column.reduce((a, b) => a + b) / 30, 12);
    });
  });

  it('draws groups whole, as the slow way does', async () => {
    const column = coin(40, 0.6, 8);
    const groups = column.map((_, i) => `part ${i < 10 ? 0 : Math.floor(i / 5)}`);
    const [estimate] = await bootstrapMeans([column], { resamples: 300, seed: 6, groups });
    const random = seeded(6);
    const names = [...new Set(groups)];
    const means = Array.from({ length: 300 }, () => {
      const drawn = names.flatMap(() => {
        const name = names[Math.floor(random() * names.length)];
        return column.filter((_, i) => groups[i] === name);
      });
      return drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
    }).sort((a, b) => a - b);
    expect(estimate?.low).toBeCloseTo(quantile(means, 0.025), 12);
    expect(estimate?.high).toBeCloseTo(quantile(means, 0.975), 12);
  });

  it('is as wide for queries that always agree as for one of each', async () => {
    const single = coin(25, 0.7, 2);
    const copies = single.flatMap((value) => new Array<number>(12).fill(value));
    const groups = copies.map((_, i) => String(Math.floor(i / 12)));
    const options = { resamples: 300, seed: 4 };
    const [alone] = await bootstrapMeans([single], options);
    const [together] = await bootstrapMeans([copies], { ...options, groups });
    const [apart] = await bootstrapMeans([copies], options);
    const width = (estimate: typeof alone) => (estimate?.high ?? 0) - (estimate?.low ?? 0);
    expect(width(together)).toBeCloseTo(width(alone), 12);
    expect(width(apart)).toBeLessThan(width(together) / 2);
  });

  it('gives the width of the normal approximation where there are many queries', async () => {
    const [estimate] = await bootstrapMeans([coin(2000, 0.8, 9)], { resamples: 2000, seed: 1 });
    const { value, low, high } = estimate as { value: number; low: number; high: number };
    const halfWidth = 1.96 * Math.sqrt((value * (1 - value)) / 2000);
    expect(Math.abs(high - value - halfWidth)).toBeLessThan(0.15 * halfWidth);
    expect(Math.abs(value - low - halfWidth)).toBeLessThan(0.15 * halfWidth);
  });

  it('holds the true mean in about 95 of 100 samples', async () => {
    let held = 0;
    for (let sample = 0; sample < 100; sample += 1) {
      const [estimate] = await bootstrapMeans([coin(150, 0.6, 100 + sample)], {
        resamples: 300,
        seed: sample,
      });
      if ((estimate?.low ?? 1) <= 0.6 && (estimate?.high ?? 0) >= 0.6) held += 1;
    }
    expect(held).toBeGreaterThanOrEqual(88);
    expect(held).toBeLessThanOrEqual(100);
  });

  it('is the same for the same seed, certain where all agree, and null of nothing', async () => {
    const column = coin(50, 0.5, 4);
    const options = { resamples: 200, seed: 3 };
    expect(await bootstrapMeans([column], options)).toEqual(await bootstrapMeans([column], options));
    expect(await bootstrapMeans([column], options)).not.toEqual(
      await bootstrapMeans([column], { ...options, seed: 4 }),
    );
    expect(await bootstrapMeans([[1, 1, 1]], options)).toEqual([{ value: 1, low: 1, high: 1 }]);
    expect(await bootstrapMeans([[], []], options)).toEqual(
      new Array(2).fill({ value: null, low: null, high: null }),
    );
  });

  it('of a difference is narrower than of its two parts when they go together', async () => {
    const first = coin(400, 0.6, 1);
    const second = first.map((value, i) => (i % 20 === 0 ? 1 : value));
    const difference = second.map((value, i) => value - (first[i] as number));
    const [a, , d] = await bootstrapMeans([first, second, difference], { resamples: 500, seed: 1 });
    const width = (estimate: typeof a) => (estimate?.high ?? 0) - (estimate?.low ?? 0);
    expect(width(d)).toBeLessThan(width(a) / 2);
  });
});

describe('a quantile', () => {
  it('lies between the order statistics', () => {
    expect([0, 0.25, 0.5, 0.9, 1].map((share) => quantile([1, 2, 3, 5], share))).toEqual([
      1,
      1.75,
      2.5,
      expect.closeTo(4.4, 12),
      5,
    ]);
    expect(quantile([4], 0.3)).toBe(4);
  });
});
