import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { temporaryPrefix } from '../library/own-files.js';
import { explainingWrites } from '../storage-errors.js';

/** A temporary file that ffmpeg writes the pictures of one video to. */
export class PictureFile {
  readonly #path: string;
  readonly #handle: FileHandle;

  /** DISK_FULL, DATA_FOLDER_NOT_WRITABLE. */
  static async create(folder: string): Promise<PictureFile> {
    const file = path.join(folder, `${temporaryPrefix('pictures')}${randomBytes(8).toString('hex')}`);
    const handle = await explainingWrites(file, () => open(file, 'wx'));
    return new PictureFile(file, handle);
  }

  private constructor(file: string, handle: FileHandle) {
    this.#path = file;
    this.#handle = handle;
  }

  get descriptor(): number {
    return this.#handle.fd;
  }

  /** The path, for whoever moves or removes the file now. */
  async keep(): Promise<string> {
    await this.#handle.close();
    return this.#path;
  }

  /** Never fails: what cannot be removed now is swept at the next start. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    await rm(this.#path, { force: true }).catch(() => undefined);
  }
}
