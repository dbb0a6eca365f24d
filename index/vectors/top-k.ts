import type { Neighbours } from './types.js';

/** Keeps the k most similar of what it is offered; ties go to the smaller id, so that answers can be compared. */
export class TopK {
  readonly #k: number;
  // A binary heap with the worst of the kept on top.
  readonly #ids: number[] = [];
  readonly #similarities: number[] = [];

  constructor(k: number) {
    this.#k = k;
  }

  offer(id: number, similarity: number): void {
    if (this.#ids.length < this.#k) {
      this.#ids.push(id);
      this.#similarities.push(similarity);
      this.#siftUp(this.#ids.length - 1);
    } else if (this.#k > 0 && this.#isWorse(0, id, similarity)) {
      this.#ids[0] = id;
      this.#similarities[0] = similarity;
      this.#siftDown();
    }
  }

  /** Best first. */
  take(): Neighbours {
    return ranked(this.#ids, this.#similarities, this.#k);
  }

  /** Whether the kept entry at `position` ranks below the offered one. */
  #isWorse(position: number, id: number, similarity: number): boolean {
    const kept = this.#similarities[position] as number;
    return kept < similarity || (kept === similarity && (this.#ids[position] as number) > id);
  }

  #siftUp(start: number): void {
    for (let child = start; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!this.#isWorse(child, this.#ids[parent] as number, this.#similarities[parent] as number)) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  #siftDown(): void {
    for (let parent = 0; ; ) {
      let worst = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child >= this.#ids.length) continue;
        if (this.#isWorse(child, this.#ids[worst] as number, this.#similarities[worst] as number))
          worst = child;
      }
      if (worst === parent) return;
      this.#swap(parent, worst);
      parent = worst;
    }
  }

  #swap(a: number, b: number): void {
    [this.#ids[a], this.#ids[b]] = [this.#ids[b] as number, this.#ids[a] as number];
    [this.#similarities[a], this.#similarities[b]] = [
      this.#similarities[b] as number,
      this.#similarities[a] as number,
    ];
  }
}

/** The k most similar, best first, ties by id; cosines that rounding carried beyond [-1, 1] are brought back. */
export function ranked(ids: readonly number[], similarities: readonly number[], k: number): Neighbours {
  const order = ids.map((_, i) => i);
  order.sort(
    (a, b) =>
      (similarities[b] as number) - (similarities[a] as number) || (ids[a] as number) - (ids[b] as number),
  );
  order.length = Math.min(order.length, k);
  return {
    ids: order.map((i) => ids[i] as number),
    similarities: order.map((i) => Math.max(-1, Math.min(1, similarities[i] as number))),
  };
}
