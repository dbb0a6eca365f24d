import { dot } from '../vectors/dot.js';
import { FLOAT_BYTES, LANES } from './assembler.js';
import { COLUMNS_AT_ONCE, type RowProducts, rowProductsProgram } from './row-products.js';

const INITIAL_ROWS = 64;

/** Rows of one length that stay where they can be compared at once with one query after another. */
export interface ResidentRows {
  /** Row by row, [_, dimension]; those that were never set are zero. */
  set(row: number, vector: Float32Array): void;
  /** [dimension] */
  get(row: number): Float32Array<ArrayBuffer>;
  /** Inner products of row `row` of `queries`, [_, dimension], with the first `count` rows: [count], until the next call. */
  products(queries: Float32Array, row: number, count: number): Float32Array;
}

export function residentRows(dimension: number): ResidentRows {
  const program = dimension % LANES === 0 ? rowProductsProgram() : null;
  return program === null
    ? new PlainResidentRows(dimension)
    : new VectorResidentRows(dimension, program.functions.multiply, program.memory);
}

/** In the memory of a program that multiplies vectors: rows, query, products. */
class VectorResidentRows implements ResidentRows {
  readonly #dimension: number;
  readonly #run: RowProducts;
  readonly #memory: (bytes: number) => ArrayBuffer;
  #capacity = 0;
  #floats = new Float32Array();

  constructor(dimension: number, run: RowProducts, memory: (bytes: number) => ArrayBuffer) {
    this.#dimension = dimension;
    this.#run = run;
    this.#memory = memory;
  }

  set(row: number, vector: Float32Array): void {
    if (row >= this.#capacity) this.#grow(row + 1);
    this.#floats.set(vector, row * this.#dimension);
  }

  get(row: number): Float32Array<ArrayBuffer> {
    return Float32Array.from(this.#floats.subarray(row * this.#dimension, (row + 1) * this.#dimension));
  }

  products(queries: Float32Array, row: number, count: number): Float32Array {
    if (count === 0) return new Float32Array();
    const queryAt = this.#capacity * this.#dimension;
    const targetAt = queryAt + this.#dimension;
    this.#floats.set(queries.subarray(row * this.#dimension, (row + 1) * this.#dimension), queryAt);
    const rowBytes = this.#dimension * FLOAT_BYTES;
    const columns = Math.ceil(count / COLUMNS_AT_ONCE) * COLUMNS_AT_ONCE;
    this.#run(queryAt * FLOAT_BYTES, 0, targetAt * FLOAT_BYTES, 1, columns, rowBytes, rowBytes, rowBytes);
    return this.#floats.subarray(targetAt, targetAt + count);
  }

  /** By so much at a time that growing stays rare; the rows keep their places. */
  #grow(rows: number): void {
    const used = this.#capacity * this.#dimension;
    this.#capacity = Math.max(
      INITIAL_ROWS,
      2 * this.#capacity,
      Math.ceil(rows / COLUMNS_AT_ONCE) * COLUMNS_AT_ONCE,
    );
    const floatCount = this.#capacity * (this.#dimension + 1) + this.#dimension;
    this.#floats = new Float32Array(this.#memory(floatCount * FLOAT_BYTES));
    // Where query and products were, rows come to lie.
    this.#floats.fill(0, used);
  }
}

/** One after another: where there are no vectors of floats to compute with. */
export class PlainResidentRows implements ResidentRows {
  readonly #dimension: number;
  #rows = new Float32Array();

  constructor(dimension: number) {
    this.#dimension = dimension;
  }

  set(row: number, vector: Float32Array): void {
    if ((row + 1) * this.#dimension > this.#rows.length) {
      const grown = new Float32Array(Math.max(INITIAL_ROWS, 2 * (row + 1)) * this.#dimension);
      grown.set(this.#rows);
      this.#rows = grown;
    }
    this.#rows.set(vector, row * this.#dimension);
  }

  get(row: number): Float32Array<ArrayBuffer> {
    return this.#rows.slice(row * this.#dimension, (row + 1) * this.#dimension);
  }

  products(queries: Float32Array, row: number, count: number): Float32Array {
    return Float32Array.from({ length: count }, (_, other) =>
      dot(queries, row, this.#rows, other, this.#dimension),
    );
  }
}
