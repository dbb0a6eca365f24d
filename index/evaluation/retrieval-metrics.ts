/** What a ranking says about one query. */
export interface RankingScore {
  /** From 1; null when nothing right was ranked. */
  firstHitRank: number | null;
  /** [0, 1] */
  averagePrecision: number;
}

/**
 * @param relevant whether each ranked item is right, best first
 * @param relevantCount right items that there are, ranked or not; at least 1. Where the ranking is shorter than that, its
 *   length takes its place: a ranking that is right throughout has an average precision of 1
 */
export function scoreRanking(relevant: readonly boolean[], relevantCount: number): RankingScore {
  let hits = 0;
  let precisions = 0;
  let firstHitRank: number | null = null;
  relevant.forEach((right, position) => {
    if (!right) return;
    hits += 1;
    firstHitRank ??= position + 1;
    precisions += hits / (position + 1);
  });
  const best = Math.min(relevantCount, relevant.length);
  return { firstHitRank, averagePrecision: best === 0 ? 0 : precisions / best };
}

/** 1 when the first hit is among the first k, else 0. */
export function countsAt(firstHitRank: number | null, k: number): 0 | 1 {
  return firstHitRank !== null && firstHitRank <= k ? 1 : 0;
}
