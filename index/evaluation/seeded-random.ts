/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export type Random = () => number;

export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A whole number in [from, to). */
export function between(random: Random, from: number, to: number): number {
  return from + Math.floor(random() * Math.max(0, to - from));
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[between(random, 0, items.length)] as T;
}
