import { CliptraceError } from '../../index/errors.js';

/** A bound on how much of one kind of work goes on at the same time. */
export class Gate {
  readonly #what: string;
  readonly #capacity: number;
  readonly #queueCapacity: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  /** `what` completes the sentence "Too many … at the moment". With a queue, as many callers wait their turn. */
  constructor(what: string, capacity: number, queueCapacity = 0) {
    this.#what = what;
    this.#capacity = capacity;
    this.#queueCapacity = queueCapacity;
  }

  get inside(): number {
    return this.#inside;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Throws TOO_MANY_REQUESTS when `enter` would; takes no place. */
  check(): void {
    if (this.#inside >= this.#capacity && this.#waiting.length >= this.#queueCapacity) throw this.#full();
  }

  /** Resolves to the function that leaves. TOO_MANY_REQUESTS when gate and queue are full, CANCELLED on abort. */
  async enter(signal?: AbortSignal): Promise<() => void> {
    this.check();
    if (this.#inside >= this.#capacity) await this.#turn(signal);
    else this.#inside += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#leave();
    };
  }

  async run<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const leave = await this.enter(signal);
    try {
      return await work();
    } finally {
      leave();
    }
  }

  #leave(): void {
    const next = this.#waiting.shift();
    // The place passes straight to the next in line, so that no newcomer slips in between.
    if (next === undefined) this.#inside -= 1;
    else next();
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(new CliptraceError('CANCELLED', 'The request was cancelled while it waited for its turn.'));
      };
      const enter = () => {
        signal?.removeEventListener('abort', cancel);
        resolve();
      };
      if (signal?.aborted) return reject(new CliptraceError('CANCELLED', 'The request was cancelled.'));
      signal?.addEventListener('abort', cancel, { once: true });
      this.#waiting.push(enter);
    });
  }

  #full(): CliptraceError {
    return new CliptraceError(
      'TOO_MANY_REQUESTS',
      `Too many ${this.#what} at the moment: ${this.#capacity} are allowed at the same time. Try again in a few seconds.`,
    );
  }
}
