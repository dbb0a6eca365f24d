/** Memory for the pixels of clips, used again: new memory for each clip makes work for the garbage collector. */
export class ClipPool {
  readonly #free: Uint8Array[] = [];

  /** Of unknown content; whoever takes it gives it back, or leaves it to the garbage collector. */
  take(byteLength: number): Uint8Array {
    const free = this.#free.pop();
    return free?.length === byteLength ? free : new Uint8Array(byteLength);
  }

  /** Nobody reads it any more. */
  give(pixels: Uint8Array): void {
    this.#free.push(pixels);
  }
}
