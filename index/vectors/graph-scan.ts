import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { GRAPH_HEADER_BYTES, type GraphLayout } from './graph-layout.js';

/** A checksum covers so many bytes. */
const CHUNK_BYTES = 1 << 20;
/** A few milliseconds. */
const CHUNKS_PER_TURN = 4;

export interface GraphScan {
  byteLength: number;
  /** CRC-32 of each mebibyte: a tenth of the processor time that a SHA-256 takes, and no flipped bit escapes it. */
  crc32s: number[];
  /** Null unless asked for. */
  sha256: string | null;
  /** Of all nodes, deleted ones included, as they lie in the file. */
  labels: Uint32Array;
}

/** Reads the file once, from one end to the other: its checksums, and the labels of its nodes. */
export async function scanGraph(
  handle: FileHandle,
  layout: GraphLayout,
  options: { sha256: boolean },
): Promise<GraphScan> {
  const hash = options.sha256 ? createHash('sha256') : null;
  const crc32s: number[] = [];
  const labels = new LabelReader(layout);
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let position = 0;
  for (;;) {
    // In this thread: a hand-over to another for each chunk costs more than the reading where the machine is busy.
    const bytes = readChunk(handle.fd, chunk, position);
    if (bytes.length === 0) break;
    hash?.update(bytes);
    crc32s.push(crc32(bytes));
    labels.take(bytes, position);
    position += bytes.length;
    // Searches go ahead.
    if (crc32s.length % CHUNKS_PER_TURN === 0) await nextTurn();
  }
  return { byteLength: position, crc32s, sha256: hash?.digest('hex') ?? null, labels: labels.found };
}

/** As many bytes as there are: a system may give fewer at a time. */
function readChunk(descriptor: number, chunk: Buffer, position: number): Buffer {
  for (let filled = 0; ; ) {
    const bytesRead = readSync(descriptor, chunk, filled, CHUNK_BYTES - filled, position + filled);
    filled += bytesRead;
    if (bytesRead === 0 || filled === CHUNK_BYTES) return chunk.subarray(0, filled);
  }
}

/** Picks the labels out of chunks that may end in the middle of one. Labels are below 2^32: their low half says all. */
class LabelReader {
  readonly found: Uint32Array;
  readonly #layout: GraphLayout;
  readonly #carried = Buffer.alloc(4);
  #carriedBytes = 0;
  #next = 0;

  constructor(layout: GraphLayout) {
    this.#layout = layout;
    this.found = new Uint32Array(layout.nodeCount);
  }

  take(bytes: Buffer, position: number): void {
    const { nodeCount, recordBytes, labelOffset } = this.#layout;
    while (this.#next < nodeCount) {
      const start = GRAPH_HEADER_BYTES + this.#next * recordBytes + labelOffset - position;
      if (start + this.#carriedBytes >= bytes.length) return;
      if (start >= 0 && start + 4 <= bytes.length) this.found[this.#next] = bytes.readUInt32LE(start);
      else if (!this.#takePart(bytes, start)) return;
      this.#next += 1;
    }
  }

  /** Of a label that lies in two chunks; whether it is complete. */
  #takePart(bytes: Buffer, start: number): boolean {
    const from = start + this.#carriedBytes;
    this.#carriedBytes += bytes.copy(
      this.#carried,
      this.#carriedBytes,
      from,
      Math.min(start + 4, bytes.length),
    );
    if (this.#carriedBytes < 4) return false;
    this.found[this.#next] = this.#carried.readUInt32LE(0);
    this.#carriedBytes = 0;
    return true;
  }
}
