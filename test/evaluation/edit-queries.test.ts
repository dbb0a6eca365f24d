import { describe, expect, it } from 'vitest';
import { planEditQueries, trueRange } from '../../index/evaluation/edit-queries.js';
import { editPairs, PROTOCOL_EDITS } from '../../index/evaluation/edits/edit-pairs.js';
import type { Video } from '../../index/library/types.js';
import { videoInput } from '../library/library-inputs.js';

const videos: Video[] = [12, 30, 2, 7.5].map((durationSeconds, i) => ({
  ...videoInput({ durationSeconds }),
  id: i + 1,
  segmentCount: 1,
  addedAt: '',
  updatedAt: '',
}));
const plan = (seed: number, pairsPerPart = 2, partCount = 60) =>
  planEditQueries({ videos, partCount, edits: PROTOCOL_EDITS, pairsPerPart, seed });

describe('the queries of the edits protocol', () => {
  it('are every edit alone, and pairs that take turns, for each part', () => {
    const queries = plan(1);
    expect(queries).toHaveLength(60 * (PROTOCOL_EDITS.length + 2));
    for (const edit of PROTOCOL_EDITS) {
      expect(queries.filter(({ plan: { edits } }) => edits.length === 1 && edits[0] === edit)).toHaveLength(
        60,
      );
    }
    const counts = new Map<string, number>();
    for (const {
      plan: { edits },
    } of queries) {
      if (edits.length === 2) counts.set(edits.join('+'), (counts.get(edits.join('+')) ?? 0) + 1);
    }
    expect(counts.size).toBe(editPairs().length);
    expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
  });

  it('lie in their videos, which are all used, but the too short one', () => {
    const queries = plan(2);
    for (const { video, plan } of queries) {
      const { startSeconds, endSeconds } = trueRange(plan);
      expect(startSeconds).toBeGreaterThanOrEqual(0);
      expect(endSeconds).toBeLessThanOrEqual(video.durationSeconds);
      expect(endSeconds - startSeconds).toBeGreaterThanOrEqual(3 - 1e-9);
    }
    expect(new Set(queries.map(({ video }) => video.id))).toEqual(new Set([1, 2, 4]));
  });

  it('are the same for the same seed', () => {
    expect(plan(5)).toEqual(plan(5));
    expect(plan(5)).not.toEqual(plan(6));
  });

  it('are none where nothing is long enough', () => {
    expect(
      planEditQueries({
        videos: videos.slice(2, 3),
        partCount: 3,
        edits: ['trim'],
        pairsPerPart: 1,
        seed: 1,
      }),
    ).toEqual([]);
  });
});
