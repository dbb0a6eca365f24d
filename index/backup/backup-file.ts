import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { CliptraceError } from '../errors.js';
import { encodeTail } from './format.js';
import { tarHeader, tarPadding } from './tar.js';

const CHUNK_BYTES = 1 << 20;

/** The file of a backup while it is written: appends, and hashes what it appends. */
export class BackupFile {
  readonly #handle: FileHandle;
  readonly #hash = createHash('sha256');
  readonly #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  readonly #signal: AbortSignal | undefined;
  #byteLength = 0;

  private constructor(handle: FileHandle, signal: AbortSignal | undefined) {
    this.#handle = handle;
    this.#signal = signal;
  }

  static async create(path: string, signal: AbortSignal | undefined): Promise<BackupFile> {
    return new BackupFile(await open(path, 'wx', 0o600), signal);
  }

  async append(bytes: Buffer): Promise<void> {
    this.#hash.update(bytes);
    this.#byteLength += bytes.length;
    for (let written = 0; written < bytes.length; ) {
      written += (await this.#handle.write(bytes, written)).bytesWritten;
    }
  }

  /** Appends an open file under a name; false when the name is too long. FILE_CHANGED when the file loses bytes. */
  async appendFile(name: string, source: FileHandle): Promise<boolean> {
    const { size, mtimeMs } = await source.stat();
    const header = tarHeader({ name, sizeBytes: size, modifiedSeconds: mtimeMs / 1000 });
    if (header === null) return false;
    await this.append(header);
    for (let position = 0; position < size; ) {
      this.#signal?.throwIfAborted();
      const length = Math.min(CHUNK_BYTES, size - position);
      const { bytesRead } = await source.read(this.#chunk, 0, length, position);
      if (bytesRead === 0) {
        throw new CliptraceError(
          'FILE_CHANGED',
          `${name} lost bytes while it was copied. Run the backup again.`,
        );
      }
      await this.append(this.#chunk.subarray(0, bytesRead));
      position += bytesRead;
    }
    await this.append(Buffer.alloc(tarPadding(size)));
    return true;
  }

  /** Writes the tail and makes sure that all of it lies on the disk. Returns the file's length. */
  async finish(): Promise<number> {
    const tail = encodeTail({ sha256: this.#hash.copy().digest('hex'), byteLength: this.#byteLength });
    await this.append(tail);
    await this.#handle.sync();
    return this.#byteLength;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
