import { stat } from 'node:fs/promises';

/** What a path is at a moment: two equal looks mean that nothing was written in between. Null: there is nothing. */
export type PathState = string | null;

export interface SettledPath {
  path: string;
  state: PathState;
}

interface Waiting {
  state: PathState | undefined;
  sinceMs: number;
}

/** How long what has settled waits for what has not, as a part of the time that settling takes. */
const EXTRA_WAIT = 0.5;

/**
 * Paths that something happened to, until they have kept their size and time for `settleMs`. A deletion waits as long: of a file
 * that was moved, the new place is known by then. Files that were renamed one over the other are told of over several looks, and where one
 * was lies the content of another: so what has settled waits a little for the rest, and all of it is handed out together.
 */
export class SettlingPaths {
  readonly #settleMs: number;
  readonly #now: () => number;
  readonly #waiting = new Map<string, Waiting>();

  /** `now` gives milliseconds of a clock that never goes back. */
  constructor(settleMs: number, now: () => number = () => performance.now()) {
    this.#settleMs = settleMs;
    this.#now = now;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Something happened to the path, or may have. */
  touch(path: string): void {
    if (!this.#waiting.has(path)) this.#waiting.set(path, { state: undefined, sinceMs: this.#now() });
  }

  /** Nothing is to be done for the path after all. */
  drop(path: string): void {
    this.#waiting.delete(path);
  }

  paths(): IterableIterator<string> {
    return this.#waiting.keys();
  }

  /**
   * Looks at all that waits; what has settled waits no longer, and neither does what was there and is gone: nobody may have told
   * yet where it went.
   */
  async look(): Promise<{ settled: SettledPath[]; vanished: string[] }> {
    const settled: SettledPath[] = [];
    let longestMs = 0;
    const vanished: string[] = [];
    for (const [path, waiting] of this.#waiting) {
      const state = await stateOf(path);
      const nowMs = this.#now();
      if (state === null && typeof waiting.state === 'string') {
        this.#waiting.delete(path);
        vanished.push(path);
      } else if (waiting.state === undefined || state !== waiting.state) {
        this.#waiting.set(path, { state, sinceMs: nowMs });
      } else if (nowMs - waiting.sinceMs >= this.#settleMs) {
        longestMs = Math.max(longestMs, nowMs - waiting.sinceMs);
        settled.push({ path, state });
      }
    }
    const othersSettle = this.#waiting.size > settled.length;
    if (othersSettle && longestMs < (1 + EXTRA_WAIT) * this.#settleMs) return { settled: [], vanished };
    for (const { path } of settled) this.#waiting.delete(path);
    return { settled, vanished };
  }
}

/** Null only when there is certainly nothing: a disk that does not answer says nothing about the file. */
async function stateOf(path: string): Promise<PathState> {
  try {
    const { size, mtimeMs, ino, dev } = await stat(path);
    return `${size} ${mtimeMs} ${dev}:${ino}`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? null : `unreadable: ${code}`;
  }
}
