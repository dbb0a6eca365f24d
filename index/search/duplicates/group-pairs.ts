import type { DuplicatePair } from './types.js';

/** Sets of videos that pairs hold together, each ascending; the largest first, of equal ones the one with the lowest id. */
export function groupPairs(pairs: readonly Pick<DuplicatePair, 'videoId' | 'otherVideoId'>[]): number[][] {
  const parents = new Map<number, number>();
  const rootOf = (id: number): number => {
    let root = id;
    while (parents.has(root) && parents.get(root) !== root) root = parents.get(root) as number;
    return root;
  };
  for (const { videoId, otherVideoId } of pairs) {
    const [one, other] = [rootOf(videoId), rootOf(otherVideoId)];
    parents.set(Math.max(one, other), Math.min(one, other));
    if (!parents.has(Math.min(one, other))) parents.set(Math.min(one, other), Math.min(one, other));
  }
  const groups = new Map<number, Set<number>>();
  for (const { videoId, otherVideoId } of pairs) {
    const root = rootOf(videoId);
    groups.set(root, (groups.get(root) ?? new Set()).add(videoId).add(otherVideoId));
  }
  return [...groups.values()]
    .map((ids) => [...ids].sort((a, b) => a - b))
    .sort((a, b) => b.length - a.length || (a[0] as number) - (b[0] as number));
}
