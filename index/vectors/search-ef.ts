/**
 * Candidates (ef) for each neighbour asked for: recall at k = 64 was 0.976 with 2, 0.987 with 3, 0.992 with 4, which takes a seventh longer, and 0.998 with 8 (20,000 x 256,
 * clustered); of 200,016 segments of a library 0.979 with 3 and 0.980 with 4, where no hit of 240 searches changed.
 */
export const EF_PER_NEIGHBOUR = 3;
export const MINIMUM_EF = 64;
