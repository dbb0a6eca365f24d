/**
 * How many files are in hand at a time. Always `files`, so that no processor waits; more as long as they are small, so that short files
 * can be decoded together. Large ones are not taken in early: they would be read from disk for their hash and again, much later, for decoding.
 */
export class Admission {
  readonly #files: number;
  readonly #maxFiles: number;
  readonly #maxBytes: number;
  #filesInHand = 0;
  #bytesInHand = 0;
  readonly #waiting: { sizeBytes: number; enter: () => void }[] = [];

  constructor(options: { files: number; maxFiles: number; maxBytes: number }) {
    this.#files = options.files;
    this.#maxFiles = options.maxFiles;
    this.#maxBytes = options.maxBytes;
  }

  /** Resolves, in the order of the calls, when the file may be taken in hand; the function that it gives lets go of it. */
  async enter(sizeBytes: number): Promise<() => void> {
    await new Promise<void>((resolve) => {
      this.#waiting.push({ sizeBytes, enter: resolve });
      this.#admit();
    });
    return () => {
      this.#filesInHand -= 1;
      this.#bytesInHand -= sizeBytes;
      this.#admit();
    };
  }

  #admit(): void {
    for (let [next] = this.#waiting; next && this.#hasRoomFor(next.sizeBytes); [next] = this.#waiting) {
      this.#waiting.shift();
      this.#filesInHand += 1;
      this.#bytesInHand += next.sizeBytes;
      next.enter();
    }
  }

  #hasRoomFor(sizeBytes: number): boolean {
    if (this.#filesInHand < this.#files) return true;
    return this.#filesInHand < this.#maxFiles && this.#bytesInHand + sizeBytes <= this.#maxBytes;
  }
}
