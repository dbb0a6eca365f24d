import { describe, expect, it } from 'vitest';
import { defaultEf } from '../../index/vectors/search-ef.js';

describe('the candidates of a search of which nobody says how many', () => {
  it.each([
    [10, 1, 64],
    [10, 200_000, 64],
    [10, 1_000_000, 250],
    [64, 200_000, 192],
    [200, 1_000_000, 600],
  ])('are enough for %i neighbours out of %i nodes: %i', (k, nodes, ef) => {
    expect(defaultEf(k, nodes)).toBe(ef);
  });
});
