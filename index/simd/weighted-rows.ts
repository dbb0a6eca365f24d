import { FLOAT_BYTES, f32x4, i32, LANES, local, moduleOf, repeatWhile, v128 } from './assembler.js';
import { runProgram } from './program.js';

export interface WeightedRows {
  /** Sum of the rows, each by its share, [dimension]. */
  sum: Float32Array;
  /** Sum of their inner products with themselves, each by the share of its row. */
  squares: number;
}

/** `rows` is [shares.length, dimension]. */
export type SumRows = (rows: Float32Array, shares: Float32Array, dimension: number) => WeightedRows;

export function sumRows(rows: Float32Array, shares: Float32Array, dimension: number): WeightedRows {
  // What has no share at either end is not even read.
  const first = shares.findIndex((share) => share !== 0);
  const end = shares.findLastIndex((share) => share !== 0) + 1;
  const some = rows.subarray(Math.max(0, first) * dimension, end * dimension);
  const itsShares = shares.subarray(Math.max(0, first), end);
  sum ??= vectorSums() ?? plainSums;
  return (itsShares.length === 0 || dimension % LANES !== 0 ? plainSums : sum)(some, itsShares, dimension);
}

let sum: SumRows | undefined;

/** One value after another: where there are no vectors to compute with. */
export function plainSums(rows: Float32Array, shares: Float32Array, dimension: number): WeightedRows {
  const sums = new Float64Array(dimension);
  let squares = 0;
  for (const [row, share] of shares.entries()) {
    for (let d = 0; d < dimension; d += 1) {
      const value = rows[row * dimension + d] as number;
      sums[d] = (sums[d] as number) + share * value;
      squares += share * value * value;
    }
  }
  return { sum: Float32Array.from(sums), squares };
}

const VECTOR_BYTES = LANES * FLOAT_BYTES;

/** Four values at a time. */
export function vectorSums(): SumRows | null {
  const program = runProgram<{ sum: SumProgram }>(assemble());
  if (program === null) return null;
  const { functions, memory } = program;
  return (rows, shares, dimension) => {
    // Sums, squares of each lane, shares, rows.
    const sharesAt = dimension + LANES;
    const rowsAt = Math.ceil((sharesAt + shares.length) / LANES) * LANES;
    const floats = new Float32Array(memory((rowsAt + rows.length) * FLOAT_BYTES));
    floats.set(shares, sharesAt);
    floats.set(rows, rowsAt);
    functions.sum(
      rowsAt * FLOAT_BYTES,
      sharesAt * FLOAT_BYTES,
      (sharesAt + shares.length) * FLOAT_BYTES,
      dimension * FLOAT_BYTES,
    );
    const squares = floats.subarray(dimension, sharesAt).reduce((total, square) => total + square, 0);
    return { sum: floats.slice(0, dimension), squares };
  };
}

/** Addresses in bytes. Writes from address 0 on: the sums, and then the squares of the four lanes. */
type SumProgram = (rows: number, shares: number, sharesEnd: number, rowBytes: number) => void;

function assemble(): Uint8Array<ArrayBuffer> {
  const [rows, shares, sharesEnd, rowBytes] = [local(0), local(1), local(2), local(3)];
  const [column, row, share] = [local(4), local(5), local(6)];
  const [total, squares, values, weighted] = [local(7), local(8), local(9), local(10)];
  const oneRow = [
    values.set(v128.load(row.get)),
    weighted.set(f32x4.mul(v128.loadSplat32(share.get), values.get)),
    total.set(f32x4.add(total.get, weighted.get)),
    squares.set(f32x4.add(squares.get, f32x4.mul(weighted.get, values.get))),
    row.set(i32.add(row.get, rowBytes.get)),
    share.set(i32.add(share.get, i32.const(FLOAT_BYTES))),
  ];
  const body = [
    ...column.set(i32.const(0)),
    ...squares.set(v128.zero),
    ...repeatWhile(
      i32.lessThan(column.get, rowBytes.get),
      total.set(v128.zero),
      row.set(i32.add(rows.get, column.get)),
      share.set(shares.get),
      repeatWhile(i32.lessThan(share.get, sharesEnd.get), ...oneRow),
      v128.store(column.get, total.get),
      column.set(i32.add(column.get, i32.const(VECTOR_BYTES))),
    ),
    ...v128.store(rowBytes.get, squares.get),
  ];
  return moduleOf({
    sum: {
      parameters: new Array(4).fill('i32'),
      locals: [...new Array(3).fill('i32'), ...new Array(4).fill('v128')],
      body,
    },
  });
}
