import { stat } from 'node:fs/promises';

/**
 * A folder that is followed. When its disk is not mounted, the folder is missing, or an empty one stands in its place: then what is
 * not there has not been deleted.
 */
export class WatchedRoot {
  readonly path: string;
  #identity: string | null = null;
  #hasHeldFiles = false;

  constructor(path: string) {
    this.path = path;
  }

  /** True when another folder than before (or none) is at the path now, e.g. since a disk was mounted or taken away. */
  async look(): Promise<boolean> {
    const identity = await identityOf(this.path);
    const changed = this.#identity !== identity;
    if (changed) this.#hasHeldFiles = false;
    this.#identity = identity;
    return changed;
  }

  /** Something was found below it. */
  sawFile(): void {
    this.#hasHeldFiles = true;
  }

  /** Whether a file that is gone from below it was deleted. */
  async tellsDeletions(): Promise<boolean> {
    const identity = await identityOf(this.path);
    return identity !== null && identity === this.#identity && this.#hasHeldFiles;
  }
}

async function identityOf(path: string): Promise<string | null> {
  try {
    const { dev, ino } = await stat(path);
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}
