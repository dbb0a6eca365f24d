export const PAGE_LABELS = 4096;

/** Numbers for labels from 0 to 2^32 - 1, in pages: those of successive labels lie side by side. */
export class LabelPages<Page extends Uint8Array | Uint32Array> {
  readonly byNumber = new Map<number, Page>();
  readonly #make: (length: number) => Page;

  constructor(make: (length: number) => Page) {
    this.#make = make;
  }

  /** The page in which a label has its place, made where it lacks. */
  at(label: number): Page {
    const number = Math.floor(label / PAGE_LABELS);
    let page = this.byNumber.get(number);
    if (page === undefined) {
      page = this.#make(PAGE_LABELS);
      this.byNumber.set(number, page);
    }
    return page;
  }

  /** What was never set is 0, and needs no page for that. */
  zero(label: number): void {
    const page = this.byNumber.get(Math.floor(label / PAGE_LABELS));
    if (page !== undefined) page[label % PAGE_LABELS] = 0;
  }
}
