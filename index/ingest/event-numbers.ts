/** Numbers are reserved in the library so many at a time: after a crash none is given twice. */
const BLOCK = 256;

/** The numbers of one job's events while this process runs it. */
export class EventNumbers {
  readonly #reserve: (upTo: number) => Promise<void>;
  #last: number;
  #reserved: number;

  /** `last` is the highest number that may have been given already. */
  constructor(last: number, reserve: (upTo: number) => Promise<void>) {
    this.#last = last;
    this.#reserved = last;
    this.#reserve = reserve;
  }

  get last(): number {
    return this.#last;
  }

  /** Makes sure that the next numbers are reserved; awaited before the first and before each that must not be lost. */
  async prepare(): Promise<void> {
    if (this.#last + BLOCK / 2 < this.#reserved) return;
    await this.#reserve(this.#last + BLOCK);
    this.#reserved = this.#last + BLOCK;
  }

  /** Null when none is reserved: an event that the next one supersedes may then be left out. */
  tryNext(): number | null {
    if (this.#last >= this.#reserved) return null;
    this.#last += 1;
    return this.#last;
  }

  async next(): Promise<number> {
    await this.prepare();
    // Between the two, others may have taken what was reserved.
    return this.tryNext() ?? this.next();
  }
}
