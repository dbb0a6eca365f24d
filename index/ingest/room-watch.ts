import { statfs } from 'node:fs/promises';
import type { Job } from '../library/types.js';

interface Full {
  job: Job;
  freeBytes: Map<string, number>;
  sinceMs: number;
  /** It is tried again after so long, whatever the system tells. */
  waitMs: number;
}

/** So much of a disk must have become free: less would soon be used up, and each new start reads the archive's folders. */
const SHARE = 0.01;
const MIN_BYTES = 1024 * 1024;
/** A quota does not show in what the system tells of the disk: it is tried again now and then. */
const RETRY_MS = 10 * 60_000;
/** Where so much is free beside the share, what was in the way may be gone already. */
const PLAIN_BYTES = 64 * 1024 * 1024;
/** There, the first try; each one in vain doubles the wait. */
const FIRST_RETRY_MS = 5000;

/** Remembers the job that a full disk stopped, and tells when it may go on. */
export class RoomWatch {
  readonly #folders: readonly string[];
  #full: Full | null = null;
  #nextRetryMs = FIRST_RETRY_MS;

  /** Folders that may lie on disks of their own. */
  constructor(folders: readonly string[]) {
    this.#folders = folders;
  }

  get job(): Job | null {
    return this.#full?.job ?? null;
  }

  async stop(job: Job): Promise<void> {
    const freeBytes = new Map<string, number>();
    let isPlain = true;
    for (const folder of this.#folders) {
      const now = await space(folder);
      freeBytes.set(folder, now?.freeBytes ?? 0);
      isPlain &&= now !== null && now.freeBytes >= Math.max(PLAIN_BYTES, SHARE * now.totalBytes);
    }
    const waitMs = isPlain ? this.#nextRetryMs : RETRY_MS;
    if (isPlain) this.#nextRetryMs = Math.min(2 * this.#nextRetryMs, RETRY_MS);
    this.#full = { job, freeBytes, sinceMs: performance.now(), waitMs };
  }

  async isBack(): Promise<boolean> {
    if (!this.#full || performance.now() - this.#full.sinceMs > this.#full.waitMs) return true;
    for (const [folder, freeBefore] of this.#full.freeBytes) {
      const now = await space(folder);
      if (now && now.freeBytes - freeBefore >= Math.max(MIN_BYTES, SHARE * now.totalBytes)) return true;
    }
    return false;
  }

  /** The job goes on, or need not. */
  clear(): void {
    this.#full = null;
  }

  /** A job was done: what it took was there. */
  sufficed(): void {
    this.#nextRetryMs = FIRST_RETRY_MS;
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
