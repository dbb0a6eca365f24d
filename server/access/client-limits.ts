import type { Response } from 'express';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { CliptraceError } from '../../index/errors.js';

interface Limits {
  /** Null: none. */
  ratePerMinute: number | null;
  maxConcurrent: number | null;
}

const WINDOW_SECONDS = 60;
/** What a request with a wrong key counts. */
const REFUSED_COST = 9;

/** Bounds on one client: requests a minute, by address and by key, and requests at the same time, by key or else by address. */
export class ClientLimits {
  readonly #limits: Limits;
  readonly #limiter: RateLimiterMemory | null;
  readonly #inside = new Map<string, number>();

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#limiter =
      limits.ratePerMinute === null
        ? null
        : new RateLimiterMemory({ points: limits.ratePerMinute, duration: WINDOW_SECONDS });
  }

  /** TOO_MANY_REQUESTS, with the time to wait. */
  async countRequest(client: string): Promise<void> {
    await this.#consume(client, 1);
  }

  /** Who tries keys is slowed down more. */
  async countRefusedKey(client: string): Promise<void> {
    await this.#consume(client, REFUSED_COST).catch(() => undefined);
  }

  /** Counts the client in until the response has ended. TOO_MANY_REQUESTS. */
  enter(client: string, response: Response): void {
    const { maxConcurrent } = this.#limits;
    if (maxConcurrent === null) return;
    const inside = this.#inside.get(client) ?? 0;
    if (inside >= maxConcurrent) {
      throw new CliptraceError(
        'TOO_MANY_REQUESTS',
        `${maxConcurrent} requests of yours are in hand at the same time, which is what this server takes from one client. ` +
          'Wait for one to end.',
      );
    }
    this.#inside.set(client, inside + 1);
    response.once('close', () => {
      const left = (this.#inside.get(client) ?? 1) - 1;
      if (left > 0) this.#inside.set(client, left);
      else this.#inside.delete(client);
    });
  }

  async #consume(client: string, points: number): Promise<void> {
    try {
      await this.#limiter?.consume(client, points);
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      const seconds = Math.max(1, Math.ceil(refusal.msBeforeNext / 1000));
      throw new CliptraceError(
        'TOO_MANY_REQUESTS',
        `More than ${this.#limits.ratePerMinute} requests a minute. Try again in ${seconds} s.`,
        { details: { headers: { 'Retry-After': String(seconds) } } },
      );
    }
  }
}

/** What an address counts as: all that one IPv6 subscriber has (a /64) is one client. */
export function clientOfAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.replace(/%.*$/, '').toLowerCase().split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros =
    tail === undefined ? [] : Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0');
  return `${[...front, ...zeros, ...back].slice(0, 4).join(':')}::/64`;
}
