import { type FileHandle, open } from 'node:fs/promises';
import { CliptraceError } from '../errors.js';
import { readFailure } from './container-check.js';
import { shownName } from './file-name.js';

/** Boxes on the way from `moov` to the sample entries. */
const CONTAINERS = new Set(['trak', 'mdia', 'minf', 'stbl']);
/** stsd: version, flags and the count of entries stand before the entries. */
const STSD_HEADER_BYTES = 8;
/** A file needs dozens of boxes; one with more than this is built to keep us busy. */
const MAX_BOXES = 10_000;
/** Read at a time: most boxes on the way follow one another within it. */
const WINDOW_BYTES = 4096;
const MAX_HEADER_BYTES = 16;

/**
 * VIDEO_ENCRYPTED when an MP4 file declares an encrypted video track (common encryption: a sample entry `encv`,
 * ISO/IEC 23001-7). ffmpeg would hand the encrypted bytes to the decoder and show garbage.
 */
export async function refuseEncrypted(filePath: string, demuxers: readonly string[]): Promise<void> {
  if (demuxers.includes('mov') && (await hasEncryptedVideo(filePath))) {
    throw new CliptraceError(
      'VIDEO_ENCRYPTED',
      `${shownName(filePath)} is encrypted (DRM). Use a copy without protection.`,
    );
  }
}

async function hasEncryptedVideo(filePath: string): Promise<boolean> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(filePath, 'r');
    const { size } = await handle.stat();
    return await walk({ headers: new HeaderReader(handle), budget: MAX_BOXES }, 0, size);
  } catch (error) {
    throw readFailure(error, filePath);
  } finally {
    await handle?.close();
  }
}

async function walk(
  state: { headers: HeaderReader; budget: number },
  start: number,
  end: number,
): Promise<boolean> {
  let offset = start;
  while (offset + 8 <= end && state.budget > 0) {
    state.budget -= 1;
    const box = boxOf(await state.headers.read(offset), offset, end);
    if (box === null) return false;
    if (box.type === 'encv') return true;
    // The tracks are all in here: what follows, thousands of fragments at times, need not be looked through.
    if (box.type === 'moov') return walk(state, box.bodyStart, box.end);
    if (CONTAINERS.has(box.type) && (await walk(state, box.bodyStart, box.end))) return true;
    if (box.type === 'stsd' && (await walk(state, box.bodyStart + STSD_HEADER_BYTES, box.end))) return true;
    offset = box.end;
  }
  return false;
}

/** Reads bytes that lie close together at once: each read of its own goes through another thread. */
class HeaderReader {
  readonly #handle: FileHandle;
  readonly #window = Buffer.alloc(WINDOW_BYTES);
  #start = 0;
  #end = 0;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Fewer bytes than a header has at the end of the file; they hold until the next call. */
  async read(offset: number): Promise<Buffer> {
    if (offset < this.#start || offset + MAX_HEADER_BYTES > this.#end) {
      const { bytesRead } = await this.#handle.read(this.#window, 0, WINDOW_BYTES, offset);
      this.#start = offset;
      this.#end = offset + bytesRead;
    }
    const from = offset - this.#start;
    return this.#window.subarray(from, Math.min(from + MAX_HEADER_BYTES, this.#end - this.#start));
  }
}

function boxOf(
  header: Buffer,
  offset: number,
  limit: number,
): { type: string; bodyStart: number; end: number } | null {
  if (header.length < 8) return null;
  const type = header.toString('latin1', 4, 8);
  const short = header.readUInt32BE(0);
  if (short === 1 && header.length < MAX_HEADER_BYTES) return null;
  const bodyStart = offset + (short === 1 ? 16 : 8);
  const bytes = short === 0 ? limit - offset : short === 1 ? Number(header.readBigUInt64BE(8)) : short;
  if (bytes < bodyStart - offset) return null;
  return { type, bodyStart, end: Math.min(offset + bytes, limit) };
}
