import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const PERIOD_SECONDS = 3600;
const PATTERN = /^([a-z0-9]{12})\.(\d{1,12})\.([A-Za-z0-9_-]{43})$/;

/**
 * What stands for a key in the address of one video's media and pictures, where a browser can send no header. Good for
 * one to two hours, as long as the key is, and until the server is started again.
 */
export class Tickets {
  // Of this process alone: who reads the library can make no ticket.
  readonly #secret = randomBytes(32);
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs;
  }

  /** The same within an hour, so that a browser keeps its pictures. */
  issue(keyId: string, videoId: number): string {
    const nowSeconds = this.#nowMs() / 1000;
    const expiresAt = (Math.floor(nowSeconds / PERIOD_SECONDS) + 2) * PERIOD_SECONDS;
    return `${keyId}.${expiresAt}.${this.#mark(keyId, videoId, expiresAt).toString('base64url')}`;
  }

  /** Public id of the key that the ticket stands for; null when it is not good for this video now. */
  keyIdOf(ticket: string, videoId: number): string | null {
    const [, keyId, expires, mark] = PATTERN.exec(ticket) ?? [];
    if (keyId === undefined || expires === undefined || mark === undefined) return null;
    const expected = this.#mark(keyId, videoId, Number(expires));
    if (!timingSafeEqual(Buffer.from(mark, 'base64url'), expected)) return null;
    return Number(expires) * 1000 > this.#nowMs() ? keyId : null;
  }

  #mark(keyId: string, videoId: number, expiresAt: number): Buffer {
    return createHmac('sha256', this.#secret).update(`${keyId} ${videoId} ${expiresAt}`).digest();
  }
}
