import path from 'node:path';
import { CliptraceError } from '../errors.js';

/**
 * A name as the file system holds it. A name that is not UTF-8 has no text that leads back to it: such a file cannot be
 * handed to ffmpeg or kept in the library, but it can be told of.
 */
export interface EntryName {
  /** For people when `isText` is false: each byte that is not UTF-8 as `\xE9`. */
  text: string;
  bytes: Buffer;
  isText: boolean;
}

export function entryName(bytes: Buffer): EntryName {
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes)
    ? { text, bytes, isText: true }
    : { text: withBytesShown(bytes), bytes, isText: false };
}

/** The place of an entry for calls to the file system. */
export function entryPath(folder: string, name: EntryName): string | Buffer {
  if (name.isText) return path.join(folder, name.text);
  return Buffer.concat([Buffer.from(folder + path.sep, 'utf8'), name.bytes]);
}

export function nameNotText(shownPath: string): CliptraceError {
  return new CliptraceError(
    'FILE_NAME_INVALID',
    `${shownPath} has a name that is not UTF-8 (its bytes are shown as \\x..). Rename it, e.g. with convmv, and index again.`,
  );
}

function withBytesShown(bytes: Buffer): string {
  let shown = '';
  for (let at = 0; at < bytes.length; ) {
    const length = utf8LengthAt(bytes, at);
    shown += length > 0 ? bytes.toString('utf8', at, at + length) : `\\x${hex(bytes[at] as number)}`;
    at += Math.max(1, length);
  }
  return shown;
}

/** Bytes of the UTF-8 character at this place; 0 where there is none. */
function utf8LengthAt(bytes: Buffer, at: number): number {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length += 1) {
    const part = bytes.subarray(at, at + length);
    if (Buffer.from(part.toString('utf8'), 'utf8').equals(part)) return length;
  }
  return 0;
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}
