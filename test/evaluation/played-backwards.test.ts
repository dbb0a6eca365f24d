import { describe, expect, it } from 'vitest';
import { planEditQueries } from '../../index/evaluation/edit-queries.js';
import { backwardsFigures, backwardsQueries } from '../../index/evaluation/played-backwards.js';
import type { EditOutcome } from '../../index/evaluation/types.js';
import { videoInput } from '../library/library-inputs.js';

const OPTIONS = { resamples: 50, seed: 1 };

function outcome(part: number, edit: 'trim' | 'grey' | 'reverse', score: number | null): EditOutcome {
  return {
    ...{ videoId: 1, contentHash: 'a', title: 'a', edits: [edit], rank: score === null ? null : 1, score },
    ...{ found: null, expected: { startSeconds: part, endSeconds: part + 3 }, errorSeconds: null },
  };
}

describe('parts played backwards', () => {
  it('are those that are queries as they are, and take the same of the video', () => {
    const videos = [
      { ...videoInput({ durationSeconds: 9 }), id: 1, segmentCount: 1, addedAt: '', updatedAt: '' },
    ];
    const planned = { videos, partCount: 4, edits: ['trim', 'grey'] as const, pairsPerPart: 0, seed: 1 };
    const queries = planEditQueries(planned);
    const backwards = backwardsQueries(queries);
    expect(backwards.map(({ plan }) => plan.part)).toEqual(
      queries.filter((_, i) => i % 2 === 0).map(({ plan }) => plan.part),
    );
    expect(backwards.every(({ plan }) => plan.filterGraph.includes(',reverse,'))).toBe(true);
    expect(backwardsQueries(planEditQueries({ ...planned, edits: ['grey'] }))).toEqual([]);
  });

  it('are compared with the same parts as they are; what is not found scores 0', async () => {
    const forward = [
      outcome(0, 'trim', 0.9),
      outcome(0, 'grey', 0.1),
      outcome(5, 'trim', 0.8),
      outcome(9, 'trim', 0.7),
      outcome(12, 'trim', null),
    ];
    const backward = [
      outcome(0, 'reverse', 0.5),
      outcome(5, 'reverse', null),
      outcome(9, 'reverse', 0.7),
      outcome(12, 'reverse', 0.3),
    ];
    const figures = await backwardsFigures(forward, backward, OPTIONS);
    expect(figures?.partCount).toBe(3);
    expect(figures?.lower.value).toBeCloseTo(2 / 3, 12);
    expect(figures?.gap.value).toBeCloseTo((0.4 + 0.8 + 0) / 3, 12);
    expect(await backwardsFigures(forward, [], OPTIONS)).toBeNull();
  });
});
