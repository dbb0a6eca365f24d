import { statfs } from 'node:fs/promises';
import type { Job } from '../library/types.js';

interface Full {
  /** The job that was stopped, as it is to be shown where its end could not be written. */
  job: Job;
  freeBytes: Map<string, number>;
  sinceMs: number;
}

/** So much of a disk must have become free: less would soon be used up, and each new start reads the archive's folders. */
const SHARE = 0.01;
const MIN_BYTES = 1024 * 1024;
/** A quota does not show in what the system tells of the disk: it is tried again now and then. */
const RETRY_MS = 10 * 60_000;

/** Remembers the job that a full disk stopped, and tells when it may go on. */
export class RoomWatch {
  readonly #folders: readonly string[];
  #full: Full | null = null;

  /** Folders that may lie on disks of their own. */
  constructor(folders: readonly string[]) {
    this.#folders = folders;
  }

  get job(): Job | null {
    return this.#full?.job ?? null;
  }

  async stop(job: Job): Promise<void> {
    const freeBytes = new Map<string, number>();
    for (const folder of this.#folders) freeBytes.set(folder, (await space(folder))?.freeBytes ?? 0);
    this.#full = { job, freeBytes, sinceMs: performance.now() };
  }

  async isBack(): Promise<boolean> {
    if (!this.#full || performance.now() - this.#full.sinceMs > RETRY_MS) return true;
    for (const [folder, freeBefore] of this.#full.freeBytes) {
      const now = await space(folder);
      if (now && now.freeBytes - freeBefore >= Math.max(MIN_BYTES, SHARE * now.totalBytes)) return true;
    }
    return false;
  }

  clear(): void {
    this.#full = null;
  }
}

async function space(folder: string): Promise<{ freeBytes: number; totalBytes: number } | null> {
  try {
    const { bavail, blocks, bsize } = await statfs(folder);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    return null;
  }
}
