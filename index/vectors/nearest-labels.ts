import { LabelPages, PAGE_LABELS } from './label-pages.js';

/** Which label was nearest to each label, both from 0 to 2^32 - 1: four bytes each where labels are successive. */
export class NearestLabels {
  /** Differences of the two modulo 2^32: 0 is none, as no label is nearest to itself. */
  readonly #pages = new LabelPages((length) => new Uint32Array(length));

  set(label: number, nearest: number): void {
    this.#pages.at(label)[label % PAGE_LABELS] = label - nearest;
  }

  delete(label: number): void {
    this.#pages.zero(label);
  }

  /** To which `nearest` is nearest; by looking at all of them, a millisecond for a million. */
  labelsOf(nearest: number): number[] {
    const found: number[] = [];
    for (const [number, page] of this.#pages.byNumber) {
      const sought = number * PAGE_LABELS - nearest;
      for (let place = 0; place < PAGE_LABELS; place += 1) {
        const difference = page[place] as number;
        if (difference !== 0 && difference === (sought + place) >>> 0)
          found.push(number * PAGE_LABELS + place);
      }
    }
    return found;
  }
}
