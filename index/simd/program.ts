import { endianness } from 'node:os';

/** What of JavaScript's WebAssembly is used; the types of Node leave it out. */
interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
interface WebAssemblyApi {
  validate(bytes: Uint8Array): boolean;
  Memory: new (limits: { initial: number }) => Memory;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: unknown };
}

const PAGE_BYTES = 65_536;

export interface Program<Functions> {
  functions: Functions;
  /** The memory it works on, of so many bytes at least. What it holds stays when it has to grow; views of it do not. */
  memory(bytes: number): ArrayBuffer;
}

/** A module of `moduleOf`, ready to run; null on a processor without vectors, or one that orders bytes otherwise than WebAssembly. */
export function runProgram<Functions>(bytes: Uint8Array): Program<Functions> | null {
  const { WebAssembly: api } = globalThis as unknown as { WebAssembly: WebAssemblyApi };
  if (endianness() === 'BE' || !api.validate(bytes)) return null;
  const memory = new api.Memory({ initial: 1 });
  const instance = new api.Instance(new api.Module(bytes), { host: { memory } });
  return {
    functions: instance.exports as Functions,
    memory: (wanted) => {
      const missing = wanted - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
      return memory.buffer;
    },
  };
}
