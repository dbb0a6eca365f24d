import { freshMemory, type NumberMemory } from '../number-memory.js';
import { dot } from '../vectors/dot.js';
import { FLOAT_BYTES, f32, f32x4, i32, LANES, local, moduleOf, repeatWhile, v128 } from './assembler.js';
import { type Program, runProgram } from './program.js';

/** Inner products of rows with rows, of each place on its own. */
export interface PlaceProducts {
  /** [places, left rows, stride]: what lies beyond the number of right rows means nothing. */
  values: Float32Array;
  stride: number;
}

export interface PlacedRows {
  /** Both [rows, places, dimension]. */
  left: Float32Array;
  right: Float32Array;
  places: number;
  dimension: number;
}

/** Every row of the one side with every row of the other, place by place. */
export function placeProducts(rows: PlacedRows, memory: NumberMemory = freshMemory): PlaceProducts {
  const isEmpty = rows.left.length === 0 || rows.right.length === 0;
  if (isEmpty || rows.dimension % LANES !== 0) return plainPlaceProducts(rows);
  kernel ??= instantiate();
  return kernel === 'none' ? plainPlaceProducts(rows) : kernel(rows, memory);
}

/** The same, one after another: where there are no vectors of floats to compute with. */
export function plainPlaceProducts({ left, right, places, dimension }: PlacedRows): PlaceProducts {
  const rows = left.length / (places * dimension);
  const stride = right.length / (places * dimension);
  const values = new Float32Array(places * rows * stride);
  for (let place = 0; place < places; place += 1) {
    for (let i = 0; i < rows; i += 1) {
      for (let j = 0; j < stride; j += 1) {
        const product = dot(left, i * places + place, right, j * places + place, dimension);
        values[(place * rows + i) * stride + j] = product;
      }
    }
  }
  return { values, stride };
}

type Kernel = (rows: PlacedRows, memory: NumberMemory) => PlaceProducts;

let kernel: Kernel | 'none' | undefined;

/** With a memory of its own; null where there are no vectors to compute with. */
export function rowProductsProgram(): Program<{ multiply: RowProducts }> | null {
  return runProgram<{ multiply: RowProducts }>(assemble());
}

function instantiate(): Kernel | 'none' {
  const program = rowProductsProgram();
  if (program === null) return 'none';
  const { functions, memory } = program;
  return ({ left, right, places, dimension }, target) => {
    const rowValues = places * dimension;
    const rows = left.length / rowValues;
    const columns = right.length / rowValues;
    const stride = Math.ceil(columns / COLUMNS_AT_ONCE) * COLUMNS_AT_ONCE;
    // Left, right with rows to make it even, products.
    const rightAt = left.length;
    const targetAt = rightAt + stride * rowValues;
    const valueCount = places * rows * stride;
    const floats = new Float32Array(memory((targetAt + valueCount) * FLOAT_BYTES));
    floats.set(left, 0);
    floats.set(right, rightAt);
    for (let place = 0; place < places; place += 1) {
      functions.multiply(
        place * dimension * FLOAT_BYTES,
        (rightAt + place * dimension) * FLOAT_BYTES,
        (targetAt + place * rows * stride) * FLOAT_BYTES,
        rows,
        stride,
        dimension * FLOAT_BYTES,
        rowValues * FLOAT_BYTES,
        rowValues * FLOAT_BYTES,
      );
    }
    const values = target.float32(valueCount);
    values.set(floats.subarray(targetAt, targetAt + valueCount));
    return { values, stride };
  };
}

/** Rows of the right side for each of the left: what is read of the one serves all four. */
export const COLUMNS_AT_ONCE = 4;

/** Addresses and distances in bytes. */
export type RowProducts = (
  left: number,
  right: number,
  target: number,
  rows: number,
  columns: number,
  length: number,
  leftStride: number,
  rightStride: number,
) => void;

/**
 * target[i, j] = inner product of row i of `left` and row j of `right`. `columns` is a multiple of COLUMNS_AT_ONCE, `length` (of a row, in bytes) of a
 * vector.
 */
function assemble(): Uint8Array<ArrayBuffer> {
  const [left, right, target, rows, columns] = [local(0), local(1), local(2), local(3), local(4)];
  const [length, leftStride, rightStride] = [local(5), local(6), local(7)];
  const [row, column, end, a] = [local(8), local(9), local(10), local(11)];
  const b = [local(12), local(13), local(14), local(15)];
  const first = local(16);
  const sums = [local(17), local(18), local(19), local(20)];
  const one = local(21);
  const step = (variable: typeof row, by: typeof one.get) => variable.set(i32.add(variable.get, by));
  const vectorBytes = i32.const(LANES * FLOAT_BYTES);
  const total = (sum: typeof one) =>
    f32.add(
      f32.add(f32x4.lane(sum.get, 0), f32x4.lane(sum.get, 1)),
      f32.add(f32x4.lane(sum.get, 2), f32x4.lane(sum.get, 3)),
    );
  const products = repeatWhile(
    i32.lessThan(a.get, end.get),
    one.set(v128.load(a.get)),
    ...b.flatMap((address, k) => {
      const sum = sums[k] as typeof one;
      return [
        sum.set(f32x4.add(sum.get, f32x4.mul(one.get, v128.load(address.get)))),
        step(address, vectorBytes),
      ];
    }),
    step(a, vectorBytes),
  );
  const fourColumns = [
    a.set(left.get),
    end.set(i32.add(left.get, length.get)),
    ...b.map((address, k) => address.set(i32.add(first.get, i32.mul(rightStride.get, i32.const(k))))),
    ...sums.map((sum) => sum.set(v128.zero)),
    products,
    ...sums.map((sum, k) => f32.store(target.get, total(sum), k * FLOAT_BYTES)),
    step(target, i32.const(COLUMNS_AT_ONCE * FLOAT_BYTES)),
    step(first, i32.mul(rightStride.get, i32.const(COLUMNS_AT_ONCE))),
    step(column, i32.const(COLUMNS_AT_ONCE)),
  ];
  const body = repeatWhile(
    i32.lessThan(row.get, rows.get),
    first.set(right.get),
    column.set(i32.const(0)),
    repeatWhile(i32.lessThan(column.get, columns.get), ...fourColumns),
    step(left, leftStride.get),
    step(row, i32.const(1)),
  );
  return moduleOf({
    multiply: {
      parameters: new Array(8).fill('i32'),
      locals: [...new Array(9).fill('i32'), ...new Array(5).fill('v128')],
      body,
    },
  });
}
