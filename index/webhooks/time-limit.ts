/**
 * A signal that ends when another one does, or after so many milliseconds. No AbortSignal.timeout: joined to another signal by AbortSignal.any, it can
 * be collected before its time, and never ends anything.
 */
export class TimeLimit {
  readonly #ends = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #outer: AbortSignal | undefined;
  readonly #onAbort = () => this.#ends.abort();
  #isOver = false;

  constructor(timeoutMs: number, outer?: AbortSignal) {
    this.#outer = outer;
    this.#timer = setTimeout(() => {
      this.#isOver = true;
      this.#ends.abort(new Error(`no answer in ${timeoutMs} ms`));
    }, timeoutMs);
    outer?.addEventListener('abort', this.#onAbort, { once: true });
    if (outer?.aborted) this.#ends.abort();
  }

  get signal(): AbortSignal {
    return this.#ends.signal;
  }

  /** By time, not by the other signal. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** For a `finally`. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#onAbort);
  }
}
