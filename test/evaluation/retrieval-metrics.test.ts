import { describe, expect, it } from 'vitest';
import { countsAt, scoreRanking } from '../../index/evaluation/retrieval-metrics.js';
import { seeded } from '../../index/evaluation/seeded-random.js';

/** From the definition: precision at each relevant place, counted anew each time. */
function slowAveragePrecision(relevant: readonly boolean[], relevantCount: number): number {
  let sum = 0;
  for (let place = 1; place <= relevant.length; place += 1) {
    if (!relevant[place - 1]) continue;
    sum += relevant.slice(0, place).filter(Boolean).length / place;
  }
  return sum / relevantCount;
}

describe('a ranking', () => {
  it('is scored as by hand', () => {
    expect(scoreRanking([false, true, true, false], 2)).toEqual({
      firstHitRank: 2,
      averagePrecision: (1 / 2 + 2 / 3) / 2,
    });
    expect(scoreRanking([true, false], 5)).toEqual({ firstHitRank: 1, averagePrecision: 1 / 2 });
    expect(scoreRanking([false, false], 3)).toEqual({ firstHitRank: null, averagePrecision: 0 });
    expect(scoreRanking([], 3)).toEqual({ firstHitRank: null, averagePrecision: 0 });
  });

  it('of everything there is has the average precision of the definition, whatever its order', () => {
    const random = seeded(7);
    for (let round = 0; round < 200; round += 1) {
      const relevant = Array.from({ length: 1 + Math.floor(40 * random()) }, () => random() < 0.3);
      const count = relevant.filter(Boolean).length;
      if (count === 0) continue;
      const { firstHitRank, averagePrecision } = scoreRanking(relevant, count);
      expect(averagePrecision).toBeCloseTo(slowAveragePrecision(relevant, count), 12);
      expect(firstHitRank).toBe(relevant.indexOf(true) + 1);
    }
  });

  it('that is right throughout is perfect, however deep it goes', () => {
    for (const depth of [1, 5, 20]) {
      expect(scoreRanking(new Array<boolean>(depth).fill(true), 20).averagePrecision).toBe(1);
    }
  });

  it('counts at k when its first hit is among the first k', () => {
    expect([1, 2, 3].map((k) => countsAt(2, k))).toEqual([0, 1, 1]);
    expect(countsAt(null, 1000)).toBe(0);
  });
});
