/**
 * Just enough of WebAssembly's binary format (https://webassembly.github.io/spec/core/binary/) to write a few loops over vectors of numbers as nested
 * calls, named as the instructions are. An expression is the bytes that leave its value on the stack.
 */
export type Code = readonly number[];
export type ValueType = keyof typeof VALUE_TYPES;

const VALUE_TYPES = { i32: 0x7f, f64: 0x7c, v128: 0x7b } as const;
const EMPTY_BLOCK = 0x40;
const END = 0x0b;
const SIMD_PREFIX = 0xfd;

/** LEB128, as WebAssembly writes every number. */
function unsigned(value: number): Code {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

function signed(value: number): Code {
  const bytes: number[] = [];
  for (let rest = value; ; ) {
    const low = rest & 0x7f;
    rest >>= 7;
    const isLast = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(isLast ? low : low | 0x80);
    if (isLast) return bytes;
  }
}

const binary =
  (opcode: Code) =>
  (left: Code, right: Code): Code => [...left, ...right, ...opcode];
const simd = (number: number): Code => [SIMD_PREFIX, ...unsigned(number)];
/** The alignment of 2^2 bytes is what every float has. */
const access = (opcode: Code, offsetBytes: number): Code => [...opcode, 2, ...unsigned(offsetBytes)];

/** Floats of 32 bits in a vector. */
export const LANES = 4;
export const FLOAT_BYTES = 4;

const loading =
  (opcode: Code) =>
  (address: Code, offsetBytes = 0): Code => [...address, ...access(opcode, offsetBytes)];
const storing =
  (opcode: Code) =>
  (address: Code, value: Code, offsetBytes = 0): Code => [
    ...address,
    ...value,
    ...access(opcode, offsetBytes),
  ];

export const i32 = {
  const: (value: number): Code => [0x41, ...signed(value)],
  add: binary([0x6a]),
  mul: binary([0x6c]),
  /** Of numbers without a sign. */
  lessThan: binary([0x49]),
  load: loading([0x28]),
};

export const f32 = {
  add: binary([0x92]),
  load: loading([0x2a]),
  store: storing([0x38]),
};

export const f64 = {
  add: binary([0xa0]),
  mul: binary([0xa2]),
  load: loading([0x2b]),
  store: storing([0x39]),
  ofF32: (value: Code): Code => [...value, 0xbb],
};

export const v128 = {
  zero: [...simd(12), ...new Array<number>(16).fill(0)] as Code,
  load: loading(simd(0)),
  /** A number of 32 bits in all four lanes. */
  loadSplat32: loading(simd(9)),
  /** Four integers of 16 bits, widened to 32. */
  load16x4u: (address: Code): Code => [...address, ...simd(4), 1, 0],
  store: storing(simd(0x0b)),
  and: binary(simd(0x4e)),
  or: binary(simd(0x50)),
  /** Of `one` where the bits of the mask are set, else of `other`. */
  bitselect: (one: Code, other: Code, mask: Code): Code => [...one, ...other, ...mask, ...simd(0x52)],
};

export const i32x4 = {
  const: (value: number): Code => [
    ...simd(12),
    ...Buffer.from(Int32Array.of(value, value, value, value).buffer),
  ],
  eq: binary(simd(0x37)),
  shl: (vector: Code, bits: number): Code => [...vector, ...i32.const(bits), ...simd(0xab)],
};

export const f32x4 = {
  const: (value: number): Code => [
    ...simd(12),
    ...Buffer.from(Float32Array.of(value, value, value, value).buffer),
  ],
  add: binary(simd(0xe4)),
  mul: binary(simd(0xe6)),
  lane: (vector: Code, lane: number): Code => [...vector, ...simd(0x1f), lane],
};

export const f64x2 = {
  const: (first: number, second: number): Code => [
    ...simd(12),
    ...Buffer.from(Float64Array.of(first, second).buffer),
  ],
  splat: (value: Code): Code => [...value, ...simd(0x14)],
  add: binary(simd(0xf0)),
  sub: binary(simd(0xf1)),
  mul: binary(simd(0xf2)),
  /** The larger of each two. */
  pmax: binary(simd(0xf7)),
  eq: binary(simd(0x47)),
  lt: binary(simd(0x49)),
};

/** A parameter or local variable. */
export interface Local {
  get: Code;
  set(value: Code): Code;
}

export function local(position: number): Local {
  return {
    get: [0x20, ...unsigned(position)],
    set: (value) => [...value, 0x21, ...unsigned(position)],
  };
}

/** Runs the body and begins anew as long as the condition holds after it. */
export function repeatWhile(condition: Code, ...body: readonly Code[]): Code {
  return [0x03, EMPTY_BLOCK, ...body.flat(), ...condition, 0x0d, 0, END];
}

/** Runs the body if the condition holds. */
export function when(condition: Code, ...body: readonly Code[]): Code {
  return [...condition, 0x04, EMPTY_BLOCK, ...body.flat(), END];
}

export interface FunctionCode {
  parameters: readonly ValueType[];
  /** Local variables; their positions follow those of the parameters. */
  locals: readonly ValueType[];
  body: Code;
}

/** A module whose functions answer nothing and work on the memory `host.memory`. */
export function moduleOf(functions: Readonly<Record<string, FunctionCode>>): Uint8Array<ArrayBuffer> {
  const all = Object.entries(functions);
  const types = all.map(([, { parameters }]) => {
    const values = parameters.map((type) => VALUE_TYPES[type]);
    return [0x60, ...unsigned(values.length), ...values, 0];
  });
  const codes = all.map(([, { locals, body }]) => {
    const declared = locals.flatMap((type) => [1, VALUE_TYPES[type]]);
    const code = [...unsigned(locals.length), ...declared, ...body, END];
    return [...unsigned(code.length), ...code];
  });
  const numbers = all.map((_, number) => unsigned(number));
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector(types)),
    // One page of memory at least.
    ...section(2, vector([[...name('host'), ...name('memory'), 0x02, 0x00, 1]])),
    ...section(3, vector(numbers)),
    ...section(7, vector(all.map(([exported], number) => [...name(exported), 0x00, ...unsigned(number)]))),
    ...section(10, vector(codes)),
  ]);
}

function vector(items: readonly Code[]): Code {
  return [...unsigned(items.length), ...items.flat()];
}

function section(id: number, content: Code): Code {
  return [id, ...unsigned(content.length), ...content];
}

function name(text: string): Code {
  return [...unsigned(text.length), ...Buffer.from(text, 'ascii')];
}
