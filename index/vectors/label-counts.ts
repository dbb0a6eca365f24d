const PAGE_BITS = 12;
const PAGE_LABELS = 2 ** PAGE_BITS;
/** Counts stay at this. */
const HIGHEST = 255;

/** Labels from `number` * 4096 on, a byte each, in base64. */
export type CountsPage = [number: number, counts: string];

/** Small counts of labels from 0 to 2^32 - 1: of successive ones in a byte each. */
export class LabelCounts {
  readonly #pages = new Map<number, Uint8Array>();

  /** Throws when a page is not one of `pages`. */
  static restore(pages: readonly CountsPage[]): LabelCounts {
    const restored = new LabelCounts();
    for (const [number, text] of pages) {
      const counts = Uint8Array.from(Buffer.from(text, 'base64'));
      if (counts.length !== PAGE_LABELS) throw new Error(`page ${number} has ${counts.length} counts`);
      restored.#pages.set(number, counts);
    }
    return restored;
  }

  /** Answers the new count. */
  increment(label: number): number {
    const number = Math.floor(label / PAGE_LABELS);
    let page = this.#pages.get(number);
    if (page === undefined) {
      page = new Uint8Array(PAGE_LABELS);
      this.#pages.set(number, page);
    }
    const place = label % PAGE_LABELS;
    const count = Math.min(HIGHEST, (page[place] as number) + 1);
    page[place] = count;
    return count;
  }

  reset(label: number): void {
    const page = this.#pages.get(Math.floor(label / PAGE_LABELS));
    if (page !== undefined) page[label % PAGE_LABELS] = 0;
  }

  /** What `restore` needs. */
  pages(): CountsPage[] {
    return [...this.#pages].map(([number, counts]) => [number, Buffer.from(counts).toString('base64')]);
  }
}
