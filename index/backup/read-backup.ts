import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { CliptraceError, errorMessageOf } from '../errors.js';
import {
  BACKUP_FORMAT_VERSION,
  type BackupHead,
  type BackupTail,
  ENTRY_NAME,
  HEAD_BYTES,
  HEAD_NAME,
  parseHead,
  parseTail,
  TAIL_BYTES,
} from './format.js';
import { parseTarHeader, TAR_BLOCK_BYTES, tarPadding } from './tar.js';

const CHUNK_BYTES = 1 << 20;

/** Where an entry's bytes go; null: they are only checked. */
export type OpenEntry = (name: string) => Promise<FileHandle>;

export interface BackupIdentity {
  head: BackupHead;
  byteLength: number;
  /** Of all bytes before the tail. */
  sha256: string;
}

/**
 * Reads a backup to its end, and hands out the files in it. They may be used only when this resolves: until then nobody
 * knows whether they are what was written. BACKUP_NOT_RECOGNISED, BACKUP_TOO_NEW, BACKUP_DAMAGED, FILE_NOT_FOUND, CANCELLED.
 */
export async function readBackup(
  file: string,
  openEntry: OpenEntry | null,
  signal?: AbortSignal | undefined,
): Promise<BackupIdentity & { entries: string[] }> {
  const handle = await openBackup(file);
  try {
    const { size } = await handle.stat();
    const head = await readHead(handle, file);
    const tail = await readTail(handle, size, file);
    const reader = new HashingReader(handle, tail.byteLength, signal);
    const entries: string[] = [];
    while (reader.position < tail.byteLength) {
      const name = await readEntry(reader, openEntry, file);
      if (name !== HEAD_NAME) entries.push(name);
    }
    if (reader.digest() !== tail.sha256)
      throw damaged(file, 'its content does not have the SHA-256 that it had');
    return { head, byteLength: size, sha256: tail.sha256, entries };
  } finally {
    await handle.close();
  }
}

/** What a file says of itself at both its ends. The errors of `readBackup`. */
export async function identifyBackup(file: string): Promise<BackupIdentity> {
  const handle = await openBackup(file);
  try {
    const { size } = await handle.stat();
    const head = await readHead(handle, file);
    const { sha256 } = await readTail(handle, size, file);
    return { head, byteLength: size, sha256 };
  } finally {
    await handle.close();
  }
}

/** One entry: its header, its bytes, and what fills the last block. */
async function readEntry(reader: HashingReader, openEntry: OpenEntry | null, file: string): Promise<string> {
  const header = parseTarHeader(await reader.read(TAR_BLOCK_BYTES));
  const known =
    header !== null && (ENTRY_NAME.test(header.name) || (header.name === HEAD_NAME && reader.isFirst));
  const whole =
    known && reader.position + header.sizeBytes + tarPadding(header.sizeBytes) <= reader.byteLength;
  if (!whole) throw damaged(file, `there is no sound entry before byte ${reader.position}`);
  const target = openEntry === null || header.name === HEAD_NAME ? null : await openEntry(header.name);
  try {
    for (let left = header.sizeBytes; left > 0; ) {
      const bytes = await reader.read(Math.min(left, CHUNK_BYTES));
      if (target !== null) await writeAll(target, bytes);
      left -= bytes.length;
    }
    await target?.sync();
  } finally {
    await target?.close();
  }
  await reader.read(tarPadding(header.sizeBytes));
  return header.name;
}

/** Reads on from the start of the file, and hashes what it has read. */
class HashingReader {
  position = 0;
  readonly byteLength: number;
  readonly #handle: FileHandle;
  readonly #signal: AbortSignal | undefined;
  readonly #hash = createHash('sha256');
  readonly #buffer = Buffer.allocUnsafe(CHUNK_BYTES);

  constructor(handle: FileHandle, byteLength: number, signal: AbortSignal | undefined) {
    this.#handle = handle;
    this.byteLength = byteLength;
    this.#signal = signal;
  }

  /** Whether what was read last is the first block. */
  get isFirst(): boolean {
    return this.position === TAR_BLOCK_BYTES;
  }

  /** Valid until the next call. */
  async read(length: number): Promise<Buffer> {
    this.#signal?.throwIfAborted();
    const bytes = this.#buffer.subarray(0, length);
    for (let filled = 0; filled < length; ) {
      const { bytesRead } = await this.#handle.read(bytes, filled, length - filled, this.position + filled);
      if (bytesRead === 0)
        throw new CliptraceError('BACKUP_DAMAGED', 'The backup became shorter while it was read.');
      filled += bytesRead;
    }
    this.#hash.update(bytes);
    this.position += length;
    return bytes;
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}

async function readHead(handle: FileHandle, file: string): Promise<BackupHead> {
  const start = Buffer.alloc(HEAD_BYTES);
  await handle.read(start, 0, HEAD_BYTES, 0);
  const head = parseHead(start);
  if (head === null) {
    throw new CliptraceError(
      'BACKUP_NOT_RECOGNISED',
      `${file} is no backup of Cliptrace, or its first bytes are damaged. Give a file that "cliptrace backup" wrote.`,
    );
  }
  if (head.formatVersion <= BACKUP_FORMAT_VERSION) return head;
  throw new CliptraceError(
    'BACKUP_TOO_NEW',
    `${file} was written by version ${head.programVersion} in format ${head.formatVersion}; this version knows ` +
      `${BACKUP_FORMAT_VERSION}. Install that version or a newer one.`,
  );
}

async function readTail(handle: FileHandle, size: number, file: string): Promise<BackupTail> {
  const bytes = Buffer.alloc(TAIL_BYTES);
  const start = size - TAIL_BYTES;
  if (start >= HEAD_BYTES) await handle.read(bytes, 0, TAIL_BYTES, start);
  const tail = parseTail(bytes);
  if (tail?.byteLength === start) return tail;
  throw damaged(file, 'it does not end as it should, so that it was cut or altered');
}

async function openBackup(file: string): Promise<FileHandle> {
  try {
    // A pipe that nobody writes to would else be waited for.
    const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
    throw new Error('it is no file');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'FILE_NOT_FOUND' : 'FILE_NOT_READABLE';
    throw new CliptraceError(code, `The backup ${file} cannot be read: ${errorMessageOf(error)}.`, {
      cause: error,
    });
  }
}

async function writeAll(target: FileHandle, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length; )
    written += (await target.write(bytes, written)).bytesWritten;
}

function damaged(file: string, why: string): CliptraceError {
  return new CliptraceError(
    'BACKUP_DAMAGED',
    `${file} is damaged: ${why}. Nothing was restored; take another backup.`,
  );
}
