import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long work holds the thread before others may go ahead. */
const SLICE_MS = 4;

/** Work of one request that lasts: between two of its steps it lets others go ahead when it has held the thread for a while. */
export class Turns {
  #startedMs = performance.now();

  async give(): Promise<void> {
    if (performance.now() - this.#startedMs < SLICE_MS) return;
    await nextTurn();
    this.#startedMs = performance.now();
  }
}
