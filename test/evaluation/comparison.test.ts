import { describe, expect, it } from 'vitest';
import { compareReports } from '../../index/evaluation/comparison.js';
import { figuresOf } from '../../index/evaluation/label-figures.js';
import { seeded } from '../../index/evaluation/seeded-random.js';
import type { LabelQuery, LabelsReport } from '../../index/evaluation/types.js';

const OPTIONS = { resamples: 500, seed: 2, evaluationId: 7 };

async function reportOf(
  modelId: string,
  ranks: ReadonlyMap<string, number | null>,
  k = [1, 5],
): Promise<LabelsReport> {
  const queries: LabelQuery[] = [...ranks].map(([contentHash, firstHitRank], i) => ({
    ...{ videoId: i + 1, contentHash, title: contentHash, label: 'a', firstHitRank, nearest: null },
    averagePrecision: firstHitRank === null ? 0 : 1 / firstHitRank,
  }));
  return {
    formatVersion: 1,
    protocol: 'labels',
    model: { id: modelId, dimension: 16, timesteps: 4 },
    library: { collection: null, videoCount: queries.length, segmentCount: 1, lastChange: 1 },
    ...{ elapsedSeconds: 1, problems: [], comparison: null },
    settings: {
      ...{ k, ranking: 'embedding', queries: 'leave-one-out', maxQueries: null, seed: 1, resamples: 500 },
      ...{ rankingDepth: null, confidence: 0.95 },
    },
    ...{ queryCount: queries.length, galleryCount: queries.length, perLabel: [], confusion: [], queries },
    leftOut: { count: 0, byReason: {}, videos: [] },
    ...(await figuresOf(queries, k, OPTIONS)),
  };
}

/** Ranks of 300 queries; the second model is right where the first one is, and at every tenth query besides. */
function ranksOf(better: boolean): Map<string, number | null> {
  const random = seeded(3);
  return new Map(
    Array.from({ length: 300 }, (_, i) => {
      const rank = random() < 0.5 ? 1 : 9;
      return [`hash-${i}`, better && i % 10 === 0 ? 1 : rank];
    }),
  );
}

describe('the comparison of two evaluations', () => {
  it('gives the paired difference on the common queries, and tells a small one apart', async () => {
    const here = await reportOf('new', new Map([...ranksOf(true), ['mine', 1]]));
    const there = await reportOf(
      'old',
      new Map([...[...ranksOf(false)].reverse(), ['theirs', 1], ['also', 1]]),
      [1, 9],
    );
    const comparison = await compareReports(here, there, OPTIONS);
    expect(comparison).toMatchObject({
      against: { evaluationId: 7, modelId: 'old' },
      ...{ queryCount: 300, onlyHere: 1, onlyThere: 2 },
    });
    expect(comparison?.recall.map(({ k }) => k)).toEqual([1]);
    const [recall] = comparison?.recall ?? [];
    const rightAt = (ranks: Map<string, number | null>) =>
      [...ranks.values()].filter((rank) => rank === 1).length / 300;
    expect(recall?.here).toBeCloseTo(rightAt(ranksOf(true)), 12);
    expect(recall?.there).toBeCloseTo(rightAt(ranksOf(false)), 12);
    expect(recall?.difference.value).toBeCloseTo((recall?.here ?? 0) - (recall?.there ?? 0), 12);
    expect(recall?.difference.low).toBeGreaterThan(0);
    // The two intervals overlap: only the pairing tells.
    const width = (recall?.difference.high ?? 0) - (recall?.difference.low ?? 0);
    const [own] = here.recall;
    expect(width).toBeLessThan(((own?.high ?? 0) - (own?.low ?? 0)) * 0.7);
    expect(comparison?.quality).toMatchObject({ name: 'meanAveragePrecision' });
  });

  it('of an evaluation with itself finds no difference', async () => {
    const report = await reportOf('same', ranksOf(false));
    const comparison = await compareReports(report, report, OPTIONS);
    expect(comparison?.recall.map(({ difference }) => difference)).toEqual(
      new Array(2).fill({ value: 0, low: 0, high: 0 }),
    );
  });

  it('is none where there is nothing in common', async () => {
    const here = await reportOf('a', new Map([['one', 1]]));
    expect(await compareReports(here, await reportOf('b', new Map([['two', 1]])), OPTIONS)).toBeNull();
  });
});
