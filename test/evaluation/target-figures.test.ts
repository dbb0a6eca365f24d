import { describe, expect, it } from 'vitest';
import { targetFigures, targetOutcome } from '../../index/evaluation/target-figures.js';
import { rangeError, timeFiguresOf } from '../../index/evaluation/time-figures.js';
import type { SearchHit } from '../../index/search/types.js';

const OPTIONS = { resamples: 100, seed: 1 };
const span = (startSeconds: number, endSeconds: number) => ({ startSeconds, endSeconds });

function hit(id: number, startSeconds: number, endSeconds: number): SearchHit {
  const video = { id, title: `Video ${id}`, collection: 'default', label: null, durationSeconds: 60 };
  return {
    ...{ video, score: 1 / id, startSeconds, endSeconds, queryStartSeconds: 0, queryEndSeconds: 1 },
    ...{ speed: 1, mirrored: false, parts: [], explanation: null, verdict: 'similar', boilerplate: 0 },
    evidence: { similarity: 0.8, coverage: 1, changeCorrelation: null, matchedSeconds: 1 },
  };
}

describe('a search for a known video', () => {
  it('has the rank of the target, and an error of the range where the target came first', () => {
    const hits = [hit(3, 10, 14), hit(5, 0, 4)];
    expect(targetOutcome(hits, (id) => id === 3, span(9.6, 14.2))).toEqual({
      rank: 1,
      score: 1 / 3,
      found: span(10, 14),
      expected: span(9.6, 14.2),
      errorSeconds: 0.4,
    });
    expect(targetOutcome(hits, (id) => id === 5, span(0, 4))).toMatchObject({ rank: 2, errorSeconds: null });
    expect(targetOutcome(hits, (id) => id === 3, null)).toMatchObject({ rank: 1, errorSeconds: null });
    expect(targetOutcome(hits, (id) => id === 7, span(0, 4))).toMatchObject({
      rank: null,
      score: null,
      found: null,
    });
  });

  it('counts into recall, reciprocal rank and the shares within half a second and a second', async () => {
    const outcomes = [1, 2, null, 1].map((rank, i) => ({
      rank,
      score: null,
      found: null,
      expected: null,
      errorSeconds: rank === 1 ? 0.4 + i / 5 : null,
    }));
    const figures = await targetFigures(outcomes, [1, 2, 5], OPTIONS);
    expect(figures.recall.map(({ k, value }) => [k, value])).toEqual([
      [1, 0.5],
      [2, 0.75],
      [5, 0.75],
    ]);
    expect(figures.meanReciprocalRank.value).toBeCloseTo((1 + 1 / 2 + 0 + 1) / 4, 12);
    expect(figures.timeRange).toMatchObject({
      count: 2,
      medianSeconds: expect.closeTo(0.7, 12),
      p90Seconds: expect.closeTo(0.94, 12),
      within: [
        { seconds: 0.5, value: 0.5 },
        { seconds: 1, value: 1 },
      ],
    });
  });
});

describe('the intervals of queries of one origin', () => {
  it('are as wide as those of the origins', async () => {
    const outcomes = Array.from({ length: 40 }, (_, i) => ({
      rank: i < 20 ? 1 : null,
      score: null,
      found: null,
      expected: null,
      errorSeconds: i < 10 ? 0.1 : i < 20 ? 2 : null,
      origin: String(Math.floor(i / 10)),
    }));
    const origins = outcomes.filter((_, i) => i % 10 === 0);
    const together = await targetFigures(outcomes, [1], OPTIONS, ({ origin }) => origin);
    const alone = await targetFigures(origins, [1], OPTIONS);
    expect(together.recall).toEqual(alone.recall);
    expect(together.timeRange.within).toEqual(alone.timeRange.within);
  });
});

describe('the error of a time range', () => {
  it('is the larger of those of its ends', () => {
    expect(rangeError(span(1, 5), span(1.5, 4))).toBe(1);
    expect(rangeError(span(1, 5), span(1, 5))).toBe(0);
  });

  it('has no figures where there are none', async () => {
    expect(await timeFiguresOf([], OPTIONS)).toEqual({
      count: 0,
      medianSeconds: null,
      p90Seconds: null,
      within: [0.5, 1].map((seconds) => ({ seconds, value: null, low: null, high: null })),
    });
  });
});
