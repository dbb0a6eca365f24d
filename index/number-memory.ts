/** Where numbers are put that work needs for a while; what the arrays hold at first is not defined. */
export interface NumberMemory {
  float32(length: number): Float32Array;
  float64(length: number): Float64Array;
  int32(length: number): Int32Array;
}

/** Left to the garbage collector. */
export const freshMemory: NumberMemory = {
  float32: (length) => new Float32Array(length),
  float64: (length) => new Float64Array(length),
  int32: (length) => new Int32Array(length),
};

const BLOCK_BYTES = 4 * 2 ** 20;
/** Of blocks that nobody uses, those beyond are given back to the system. */
const MOST_SPARE_BLOCKS = 4;
/** Every array begins where any kind of number may. */
const ALIGNMENT_BYTES = 8;

const NO_BLOCK = new ArrayBuffer(0);
const spareBlocks: ArrayBuffer[] = [];

/**
 * Memory that is used again by the next who needs some, once it is given back: the garbage collector, which counts bytes outside its heap, need not look for
 * it. A search takes a few megabytes.
 */
export class ReusedMemory implements NumberMemory {
  #blocks: ArrayBuffer[] = [];
  /** The one that has room, and from where on. */
  #block = NO_BLOCK;
  #usedBytes = 0;

  float32(length: number): Float32Array {
    const at = this.#take(length * Float32Array.BYTES_PER_ELEMENT);
    return new Float32Array(this.#block, at, length);
  }

  float64(length: number): Float64Array {
    const at = this.#take(length * Float64Array.BYTES_PER_ELEMENT);
    return new Float64Array(this.#block, at, length);
  }

  int32(length: number): Int32Array {
    const at = this.#take(length * Int32Array.BYTES_PER_ELEMENT);
    return new Int32Array(this.#block, at, length);
  }

  /** None of the arrays may be used any more. */
  giveBack(): void {
    for (const block of this.#blocks) {
      if (block.byteLength === BLOCK_BYTES && spareBlocks.length < MOST_SPARE_BLOCKS) spareBlocks.push(block);
    }
    this.#blocks = [];
    this.#block = NO_BLOCK;
    this.#usedBytes = 0;
  }

  /** Where in the block that has room so many bytes are free; for many, that is a block of their own. */
  #take(bytes: number): number {
    const at = Math.ceil(this.#usedBytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    if (at + bytes <= this.#block.byteLength) {
      this.#usedBytes = at + bytes;
      return at;
    }
    this.#block =
      bytes > BLOCK_BYTES ? new ArrayBuffer(bytes) : (spareBlocks.pop() ?? new ArrayBuffer(BLOCK_BYTES));
    this.#blocks.push(this.#block);
    this.#usedBytes = bytes;
    return 0;
  }
}
