import { endianness } from 'node:os';
import { CliptraceError } from '../errors.js';
import { widenHalves } from '../simd/half-floats.js';

// BLOBs are little-endian on every machine, so that a data folder can be moved.
const BIG_ENDIAN = endianness() === 'BE';

/** [n] float32 -> 4n bytes. */
export function encodeFloat32(values: Float32Array): Buffer {
  // Copy: the driver binds the bytes as they are, and the caller may reuse its array.
  const blob = Buffer.from(
    values.buffer.slice(values.byteOffset, values.byteOffset + values.byteLength) as ArrayBuffer,
  );
  return BIG_ENDIAN ? blob.swap32() : blob;
}

/** Decodes into `target` at `offset`; LIBRARY_DAMAGED unless the BLOB holds exactly `count` values. */
export function decodeFloat32(blob: Buffer, target: Float32Array, offset: number, count: number): void {
  checkLength(blob, count * 4);
  const bytes = new Uint8Array(target.buffer, target.byteOffset + offset * 4, count * 4);
  bytes.set(blob);
  if (BIG_ENDIAN) Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).swap32();
}

/** [n] float32 -> 2n bytes of IEEE 754 binary16, rounded to nearest even. */
export function encodeFloat16(values: Float32Array): Buffer {
  const halves = new Uint16Array(values.length);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i += 1) {
    const value = bits[i] as number;
    const magnitude = value & 0x7fffffff;
    const isNormal = magnitude >= SMALLEST_NORMAL && magnitude < LARGEST_NORMAL;
    halves[i] = isNormal ? ((value >>> 16) & 0x8000) | normalHalfOf(magnitude) : halfOf(value);
  }
  const blob = Buffer.from(halves.buffer);
  return BIG_ENDIAN ? blob.swap16() : blob;
}

/** Decodes into `target` at `offset`; LIBRARY_DAMAGED unless the BLOB holds exactly `count` values. */
export function decodeFloat16(blob: Buffer, target: Float32Array, offset: number, count: number): void {
  checkLength(blob, count * 2);
  widenHalves(blob, target.subarray(offset, offset + count));
}

function checkLength(blob: Buffer, expectedBytes: number): void {
  if (blob.length === expectedBytes) return;
  throw new CliptraceError(
    'LIBRARY_DAMAGED',
    `A feature row holds ${blob.length} bytes where its model needs ${expectedBytes}. Run \`cliptrace doctor\`.`,
    { details: { bytes: blob.length, expectedBytes } },
  );
}

// Bits of 2^-14 and of 65504 as float32: between them a half has the same form as a float.
const SMALLEST_NORMAL = 0x38800000;
const LARGEST_NORMAL = 0x477fe000;

/** Nearly all values: moves the exponent and rounds to nearest even, without a branch. */
function normalHalfOf(magnitude: number): number {
  return (magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13;
}

/** The 16 bits of the half nearest to the float with these 32 bits; overflow becomes infinity, NaN stays NaN. */
function halfOf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  const fraction = bits & 0x7fffff;
  if (exponent >= 31) return sign | 0x7c00 | (exponent === 143 && fraction !== 0 ? 0x200 : 0);
  if (exponent > 0) {
    // A carry out of the fraction runs into the exponent, which is the right next value.
    return sign | (((exponent << 10) | (fraction >>> 13)) + roundUp(fraction, 13));
  }
  if (exponent < -10) return sign;
  const shift = 14 - exponent;
  const full = fraction | 0x800000;
  return sign | ((full >>> shift) + roundUp(full, shift));
}

/** 1 when dropping the low `shift` bits rounds up (to nearest, ties to even). */
function roundUp(value: number, shift: number): number {
  const half = 1 << (shift - 1);
  const rest = value & ((1 << shift) - 1);
  if (rest !== half) return rest > half ? 1 : 0;
  return (value >>> shift) & 1;
}
