import { setMaxListeners } from 'node:events';
import { CliptraceError, errorCodeOf } from '../errors.js';
import type { Delivery, WatchStore } from '../library/watch-types.js';
import { type AttemptParts, type AttemptResult, attemptDelivery } from './attempt-delivery.js';

export interface DelivererParts extends AttemptParts {
  store: WatchStore;
  /** Attempts at the same time. */
  concurrency: number;
  onAttempt?: ((delivery: Delivery, result: AttemptResult) => void) | undefined;
  /** The library could not be read or written: it is tried again. */
  onError?: ((error: unknown) => void) | undefined;
}

/** How often the library is asked what is due; other processes may have asked for a delivery again. */
const LOOK_INTERVAL_MS = 1000;
/** Of one watch at the same time. */
const PER_WATCH = 4;
/** After a failure of the library itself. */
const REST_MS = 5000;
/** Attempts in hand at the end get so long before they are broken off; they are made again at the next start. */
const CLOSING_MS = 2000;
/** What ended is kept for so long. */
const KEPT_MS = 30 * 24 * 3600_000;
const FORGET_INTERVAL_MS = 3600_000;

/**
 * Sends what is due. What is to be sent stands in the library, and leaves it only when the outcome is written: a process that is
 * killed in between sends it again, under the same id.
 */
export class WebhookDeliverer {
  readonly #parts: DelivererParts;
  readonly #inHand = new Map<number, { watchId: number; ended: Promise<void> }>();
  /** How the last attempt of each watch ended. Those that failed get half of the places together, so that dead receivers hold up no others. */
  readonly #lastEnds = new Map<number, 'good' | 'bad'>();
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  #lookAgain = false;
  #restUntilMs = 0;
  #forgotAtMs = 0;

  constructor(parts: DelivererParts) {
    this.#parts = parts;
    // One listener per attempt in hand, whose number is bounded.
    setMaxListeners(0, this.#stopping.signal);
  }

  start(): void {
    this.#timer ??= setInterval(() => this.wake(), LOOK_INTERVAL_MS).unref();
    this.wake();
  }

  /** Looks for what is due now. */
  wake(): void {
    if (this.#timer === null || this.#stopping.signal.aborted || Date.now() < this.#restUntilMs) return;
    this.#lookAgain = this.#looking !== null;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
      if (this.#lookAgain) this.wake();
    });
  }

  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    await this.#looking;
    const cutOff = setTimeout(() => this.#stopping.abort(), CLOSING_MS);
    await Promise.all([...this.#inHand.values()].map(({ ended }) => ended));
    clearTimeout(cutOff);
    this.#stopping.abort();
  }

  async #look(): Promise<void> {
    try {
      await this.#forgetOld();
      for (const delivery of await this.#parts.store.dueDeliveries(Date.now(), PER_WATCH)) {
        if (this.#timer !== null && this.#hasPlaceFor(delivery)) this.#begin(delivery);
      }
    } catch (error) {
      this.#rest(error);
    }
  }

  #hasPlaceFor({ id, watchId, roundAttempts }: Delivery): boolean {
    const { concurrency } = this.#parts;
    if (this.#inHand.has(id) || this.#inHand.size >= concurrency) return false;
    const end = this.#lastEnds.get(watchId);
    if (end === 'good') return true;
    const inHand = [...this.#inHand.values()];
    // Of a receiver that has not been tried yet, one attempt tells.
    if (inHand.some((other) => other.watchId === watchId)) return false;
    if (end === undefined && roundAttempts === 0) return true;
    return inHand.filter((other) => this.#lastEnds.get(other.watchId) === 'bad').length < concurrency / 2;
  }

  #begin(delivery: Delivery): void {
    const ended = this.#attempt(delivery)
      .catch((error: unknown) => this.#rest(error))
      .finally(() => {
        this.#inHand.delete(delivery.id);
        this.wake();
      });
    this.#inHand.set(delivery.id, { watchId: delivery.watchId, ended });
  }

  async #attempt(delivery: Delivery): Promise<void> {
    const { store, onAttempt } = this.#parts;
    const watch = await store.get(delivery.watchId);
    if (watch === null) return;
    const result = await attemptDelivery(this.#parts, watch, delivery, this.#stopping.signal);
    this.#lastEnds.set(watch.id, result.outcome.status === 'succeeded' ? 'good' : 'bad');
    await store.recordAttempt(delivery.id, result.attempt, result.outcome);
    onAttempt?.(delivery, result);
  }

  async #forgetOld(): Promise<void> {
    const nowMs = Date.now();
    if (nowMs - this.#forgotAtMs < FORGET_INTERVAL_MS) return;
    this.#forgotAtMs = nowMs;
    await this.#parts.store.forgetDeliveries(new Date(nowMs - KEPT_MS).toISOString());
  }

  #rest(error: unknown): void {
    if (errorCodeOf(error) === 'CANCELLED') return;
    this.#restUntilMs = Date.now() + REST_MS;
    this.#parts.onError?.(
      error instanceof CliptraceError ? error : new Error('A delivery broke down', { cause: error }),
    );
  }
}
