import { z } from 'zod';
import { parseTarHeader, TAR_BLOCK_BYTES, tarHeader, tarPadding } from './tar.js';

/**
 * A backup is a tar file: the head that names it, the files of a data folder, and a tail with the SHA-256 of
 * everything before it. The tail follows from what it says, so that no bit of the whole file can change unseen.
 */
export const BACKUP_FORMAT_VERSION = 1;
export const HEAD_NAME = 'cliptrace-backup.json';
const TAIL_NAME = 'cliptrace-backup.sha256.json';
/** Its header, its content, and the two empty blocks that end a tar file. */
export const TAIL_BYTES = 4 * TAR_BLOCK_BYTES;
/** Head and content must fit into what is read first. */
export const HEAD_BYTES = 2 * TAR_BLOCK_BYTES;

/** Where the files of a data folder go; nothing else is written, and nothing else is unpacked. */
export const ENTRY_NAME = /^(library\.sqlite|(media|thumbnails|vectors)\/[A-Za-z0-9._~-]+)$/;

const HEAD = z.object({
  format: z.literal('cliptrace-backup'),
  formatVersion: z.int().positive(),
  programVersion: z.string(),
  createdAt: z.string(),
  /** The newest migration of the library. */
  migration: z.object({ version: z.int().nonnegative(), name: z.string() }),
});

export type BackupHead = z.infer<typeof HEAD>;

export function encodeHead(head: BackupHead): Buffer {
  const content = Buffer.from(JSON.stringify(head));
  return Buffer.concat([
    fileHeader(HEAD_NAME, content.length),
    content,
    Buffer.alloc(tarPadding(content.length)),
  ]);
}

/** Null when the file does not begin like a backup. */
export function parseHead(start: Buffer): BackupHead | null {
  const header = start.length < HEAD_BYTES ? null : parseTarHeader(start.subarray(0, TAR_BLOCK_BYTES));
  if (header?.name !== HEAD_NAME || header.sizeBytes > TAR_BLOCK_BYTES) return null;
  try {
    const text = start.toString('utf8', TAR_BLOCK_BYTES, TAR_BLOCK_BYTES + header.sizeBytes);
    return HEAD.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

export interface BackupTail {
  /** Of all bytes before the tail. */
  sha256: string;
  byteLength: number;
}

export function encodeTail({ sha256, byteLength }: BackupTail): Buffer {
  const content = Buffer.from(JSON.stringify({ sha256, byteLength }));
  const tail = Buffer.alloc(TAIL_BYTES);
  fileHeader(TAIL_NAME, content.length).copy(tail);
  content.copy(tail, TAR_BLOCK_BYTES);
  return tail;
}

/** Null unless these are exactly the bytes of a tail. */
export function parseTail(bytes: Buffer): BackupTail | null {
  const header = bytes.length === TAIL_BYTES ? parseTarHeader(bytes.subarray(0, TAR_BLOCK_BYTES)) : null;
  if (header === null || header.sizeBytes > TAR_BLOCK_BYTES) return null;
  try {
    const text = bytes.toString('utf8', TAR_BLOCK_BYTES, TAR_BLOCK_BYTES + header.sizeBytes);
    const { sha256, byteLength } = JSON.parse(text) as BackupTail;
    return encodeTail({ sha256, byteLength }).equals(bytes) ? { sha256, byteLength } : null;
  } catch {
    return null;
  }
}

/** Always the same for the same content. */
function fileHeader(name: string, sizeBytes: number): Buffer {
  return tarHeader({ name, sizeBytes, modifiedSeconds: 0 }) as Buffer;
}
