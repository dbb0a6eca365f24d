/** Candidates (ef) for each neighbour asked for: recall at k = 64 was 0.976 with 2, 0.992 with 4, 0.998 with 8, which takes twice as long as 4 (20,000 x 256, clustered). */
export const EF_PER_NEIGHBOUR = 4;
export const MINIMUM_EF = 64;
