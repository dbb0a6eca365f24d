import { endianness } from 'node:os';
import { FLOAT_BYTES, f32x4, i32, i32x4, local, moduleOf, repeatWhile, v128 } from './assembler.js';
import { runProgram } from './program.js';

/** Numbers of IEEE 754 binary16, little-endian, [2 x target.length] bytes, as floats. */
export type WidenHalves = (bytes: Uint8Array, target: Float32Array) => void;

export function widenHalves(bytes: Uint8Array, target: Float32Array): void {
  widen ??= vectorWidening() ?? plainWidening;
  widen(bytes, target);
}

let widen: WidenHalves | undefined;

/** By looking each up in a table of all of them: where there are no vectors to compute with. */
export function plainWidening(bytes: Uint8Array, target: Float32Array): void {
  const table = halfTable();
  // Copy where the bytes lie oddly: 16-bit reads need even places.
  const even = bytes.byteOffset % 2 === 0 && endianness() === 'LE' ? bytes : Uint8Array.from(bytes);
  if (endianness() === 'BE') Buffer.from(even.buffer, even.byteOffset, even.length).swap16();
  const halves = new Uint16Array(even.buffer, even.byteOffset, target.length);
  for (let i = 0; i < target.length; i += 1) target[i] = table[halves[i] as number] as number;
}

let cachedHalfTable: Float32Array | undefined;

/** [65536]: 256 KiB once. */
function halfTable(): Float32Array {
  cachedHalfTable ??= Float32Array.from({ length: 65536 }, (_, half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >>> 10) & 31;
    const fraction = half & 0x3ff;
    if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
  return cachedHalfTable;
}

/** Values of one run: what goes in and what comes out stay in the cache of the processor. */
const CHUNK = 8192;
const HALF_BYTES = 2;

/** Four at a time: several times as fast as the table. */
export function vectorWidening(): WidenHalves | null {
  const program = runProgram<{ widen(from: number, to: number, end: number): void }>(assemble());
  if (program === null) return null;
  const buffer = program.memory(CHUNK * (HALF_BYTES + FLOAT_BYTES));
  const input = new Uint8Array(buffer, 0, CHUNK * HALF_BYTES);
  const output = new Float32Array(buffer, CHUNK * HALF_BYTES, CHUNK);
  return (bytes, target) => {
    for (let first = 0; first < target.length; first += CHUNK) {
      const count = Math.min(CHUNK, target.length - first);
      input.set(bytes.subarray(first * HALF_BYTES, (first + count) * HALF_BYTES));
      program.functions.widen(0, CHUNK * HALF_BYTES, count * HALF_BYTES);
      target.set(count === CHUNK ? output : output.subarray(0, count), first);
    }
  };
}

/**
 * Exponent and fraction moved to where a float has them, times 2^112, are the value: also of those with an exponent of 0, which have no leading 1. Only
 * infinity and NaN need an exponent of their own.
 */
function assemble(): Uint8Array<ArrayBuffer> {
  const [from, to, end, half, magnitude] = [local(0), local(1), local(2), local(3), local(4)];
  const exponent = i32x4.const(0x7c00);
  const bits = (mask: number) => v128.and(half.get, i32x4.const(mask));
  const isNotFinite = i32x4.eq(v128.and(half.get, exponent), exponent);
  const body = repeatWhile(
    i32.lessThan(from.get, end.get),
    half.set(v128.load16x4u(from.get)),
    magnitude.set(f32x4.mul(i32x4.shl(bits(0x7fff), 13), f32x4.const(2 ** 112))),
    magnitude.set(v128.or(magnitude.get, v128.and(isNotFinite, i32x4.const(0x7f800000)))),
    v128.store(to.get, v128.or(magnitude.get, i32x4.shl(bits(0x8000), 16))),
    from.set(i32.add(from.get, i32.const(4 * HALF_BYTES))),
    to.set(i32.add(to.get, i32.const(4 * FLOAT_BYTES))),
  );
  return moduleOf({ widen: { parameters: ['i32', 'i32', 'i32'], locals: ['v128', 'v128'], body } });
}
