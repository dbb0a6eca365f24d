import { describe, expect, it } from 'vitest';
import { groupPairs } from '../../index/search/duplicates/group-pairs.js';

describe('groupPairs', () => {
  it('joins what is held together through others, largest first', () => {
    const pairs = [
      { videoId: 9, otherVideoId: 8 },
      { videoId: 5, otherVideoId: 7 },
      { videoId: 3, otherVideoId: 5 },
      { videoId: 1, otherVideoId: 2 },
      { videoId: 7, otherVideoId: 4 },
    ];
    expect(groupPairs(pairs)).toEqual([
      [3, 4, 5, 7],
      [1, 2],
      [8, 9],
    ]);
    expect(groupPairs([])).toEqual([]);
  });
});
