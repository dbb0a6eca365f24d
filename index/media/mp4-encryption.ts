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
    return await walk({ handle, budget: MAX_BOXES }, 0, size);
  } catch (error) {
    throw readFailure(error, filePath);
  } finally {
    await handle?.close();
  }
}

async function walk(
  state: { handle: FileHandle; budget: number },
  start: number,
  end: number,
): Promise<boolean> {
  let offset = start;
  while (offset + 8 <= end && state.budget > 0) {
    state.budget -= 1;
    const box = await readBox(state.handle, offset, end);
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

async function readBox(
  handle: FileHandle,
  offset: number,
  limit: number,
): Promise<{ type: string; bodyStart: number; end: number } | null> {
  const header = Buffer.alloc(16);
  const { bytesRead } = await handle.read(header, 0, 16, offset);
  if (bytesRead < 8) return null;
  const type = header.toString('latin1', 4, 8);
  const short = header.readUInt32BE(0);
  if (short === 1 && bytesRead < 16) return null;
  const bodyStart = offset + (short === 1 ? 16 : 8);
  const bytes = short === 0 ? limit - offset : short === 1 ? Number(header.readBigUInt64BE(8)) : short;
  if (bytes < bodyStart - offset) return null;
  return { type, bodyStart, end: Math.min(offset + bytes, limit) };
}
