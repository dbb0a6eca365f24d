const WINDOW_MS = 60_000;
const SAMPLE_INTERVAL_MS = 1000;

/** How fast work goes on, over the last minute. */
export class WorkRate {
  readonly #now: () => number;
  #samples: { atMs: number; done: number }[] = [];
  #done = 0;

  /** `now` gives milliseconds of a clock that never goes back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** `done` is what has been done by now, in any unit; the first call starts the clock. */
  at(done: number): void {
    this.#done = done;
    const atMs = this.#now();
    const last = this.#samples.at(-1);
    if (last && atMs - last.atMs < SAMPLE_INTERVAL_MS) return;
    this.#samples.push({ atMs, done });
    // The oldest that is kept lies just beyond the window.
    while ((this.#samples[1]?.atMs ?? atMs) <= atMs - WINDOW_MS) this.#samples.shift();
  }

  /** How long so much more will take; null while nothing has been done. */
  secondsFor(left: number): number | null {
    const [oldest] = this.#samples;
    if (!oldest) return null;
    const done = this.#done - oldest.done;
    const elapsedMs = this.#now() - oldest.atMs;
    if (done <= 0 || elapsedMs <= 0) return null;
    return Math.max(0, Math.round((left * elapsedMs) / done / 1000));
  }
}
