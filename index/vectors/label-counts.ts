import { LabelPages, PAGE_LABELS } from './label-pages.js';

/** Counts stay at this. */
const HIGHEST = 255;

/** Labels from `number` * 4096 on, a byte each, in base64. */
export type CountsPage = [number: number, counts: string];

/** Small counts of labels from 0 to 2^32 - 1: of successive ones in a byte each. */
export class LabelCounts {
  readonly #pages = new LabelPages((length) => new Uint8Array(length));

  /** Throws when a page is not one of `pages`. */
  static restore(pages: readonly CountsPage[]): LabelCounts {
    const restored = new LabelCounts();
    for (const [number, text] of pages) {
      const counts = Uint8Array.from(Buffer.from(text, 'base64'));
      if (counts.length !== PAGE_LABELS) throw new Error(`page ${number} has ${counts.length} counts`);
      restored.#pages.byNumber.set(number, counts);
    }
    return restored;
  }

  /** Answers the new count. */
  increment(label: number): number {
    const page = this.#pages.at(label);
    const place = label % PAGE_LABELS;
    const count = Math.min(HIGHEST, (page[place] as number) + 1);
    page[place] = count;
    return count;
  }

  reset(label: number): void {
    this.#pages.zero(label);
  }

  /** What `restore` needs. */
  pages(): CountsPage[] {
    return [...this.#pages.byNumber].map(([number, counts]) => [
      number,
      Buffer.from(counts).toString('base64'),
    ]);
  }
}
