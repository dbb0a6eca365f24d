/** Waits after the first failed attempt, the second, and so on; after the last one the delivery is given up. A day in all. */
export const RETRY_SECONDS = [5, 30, 120, 600, 3600, 3 * 3600, 8 * 3600, 12 * 3600] as const;
/** Up to so much longer, so that receivers that were down together are not asked together. */
const JITTER = 0.2;
/** What a receiver may ask for. */
const MAX_RETRY_AFTER_SECONDS = 24 * 3600;

/** When to try again after so many failed attempts; null: no more. */
export function nextAttemptMs(input: {
  nowMs: number;
  failedAttempts: number;
  /** What the receiver asked for. */
  retryAfterSeconds: number | null;
  /** [0, 1) */
  random: number;
}): number | null {
  const seconds = RETRY_SECONDS[input.failedAttempts - 1];
  if (seconds === undefined) return null;
  const asked = Math.min(input.retryAfterSeconds ?? 0, MAX_RETRY_AFTER_SECONDS);
  return Math.round(input.nowMs + 1000 * Math.max(asked, seconds) * (1 + JITTER * input.random));
}

/** Of a `Retry-After` header: seconds, or a date. Null when it is neither. */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header);
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? null : Math.max(0, (atMs - nowMs) / 1000);
}
