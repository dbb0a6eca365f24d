import { CliptraceError, type ErrorCode, errorCodeOf } from '../errors.js';
import type { AttemptOutcome, ClipWatch, Delivery, DeliveryAttempt } from '../library/watch-types.js';
import type { AddressRules } from './address-rules.js';
import { checkedAddresses, type Resolver } from './checked-addresses.js';
import { postWebhook } from './post-webhook.js';
import { nextAttemptMs, parseRetryAfter } from './retry-schedule.js';
import { signatureHeaders } from './signature.js';
import { parseWebhookUrl } from './webhook-url.js';

export interface AttemptParts {
  rules: AddressRules;
  resolver: Resolver;
  timeoutMs: number;
  userAgent: string;
  /** [0, 1) */
  random: () => number;
}

export interface AttemptResult {
  attempt: Omit<DeliveryAttempt, 'number'>;
  outcome: AttemptOutcome;
}

const GONE = 410;

/** One attempt at a delivery, and what follows from it. Throws only CANCELLED, by the signal. */
export async function attemptDelivery(
  parts: AttemptParts,
  watch: ClipWatch,
  delivery: Delivery,
  signal: AbortSignal,
): Promise<AttemptResult> {
  const startedMs = Date.now();
  const told = await tell(parts, watch, delivery, signal);
  const { status, error, retryAfter } = told;
  return {
    attempt: {
      startedAt: new Date(startedMs).toISOString(),
      durationMs: Date.now() - startedMs,
      responseStatus: status,
      error: error === null ? null : { code: errorCodeOf(error), message: error.message },
    },
    outcome:
      error === null
        ? { status: 'succeeded' }
        : afterFailure(parts, delivery, errorCodeOf(error), retryAfter),
  };
}

interface Told {
  status: number | null;
  retryAfter: string | undefined;
  /** Null when the receiver has it. */
  error: CliptraceError | null;
}

async function tell(
  { rules, resolver, timeoutMs, userAgent }: AttemptParts,
  watch: ClipWatch,
  { body, messageId }: Delivery,
  signal: AbortSignal,
): Promise<Told> {
  try {
    const url = parseWebhookUrl(watch.url);
    const addresses = await checkedAddresses(url, { rules, resolver, timeoutMs, signal });
    const timestampSeconds = Math.floor(Date.now() / 1000);
    const { status, retryAfter } = await postWebhook({
      ...{ url, addresses, body, timeoutMs, signal },
      headers: {
        'Content-Type': 'application/json',
        'User-Agent': userAgent,
        ...signatureHeaders({ messageId, body, timestampSeconds, secrets: secretsOf(watch) }),
      },
    });
    return { status, retryAfter, error: refusalOf(status) };
  } catch (error) {
    if (!(error instanceof CliptraceError) || error.code === 'CANCELLED') throw error;
    return { status: null, retryAfter: undefined, error };
  }
}

/** Null for success. */
function refusalOf(status: number): CliptraceError | null {
  if (status >= 200 && status < 300) return null;
  if (status >= 300 && status < 400) {
    return new CliptraceError(
      'WEBHOOK_REDIRECTED',
      `The receiver answered ${status}. Redirects are not followed: give the final address.`,
    );
  }
  if (status === GONE) {
    return new CliptraceError(
      'WEBHOOK_GONE',
      'The receiver answered 410: it wants no more. The watch is disabled.',
    );
  }
  return new CliptraceError('WEBHOOK_REFUSED', `The receiver answered ${status}.`);
}

function afterFailure(
  { random }: AttemptParts,
  delivery: Delivery,
  code: ErrorCode,
  retryAfter: string | undefined,
): AttemptOutcome {
  // Who sends a test looks at what comes of it now.
  if (delivery.type === 'watch.test') return { status: 'failed', disableWatch: null };
  if (code === 'WEBHOOK_GONE') return { status: 'failed', disableWatch: code };
  const nowMs = Date.now();
  const next = nextAttemptMs({
    nowMs,
    failedAttempts: delivery.roundAttempts + 1,
    retryAfterSeconds: parseRetryAfter(retryAfter, nowMs),
    random: random(),
  });
  return next === null
    ? { status: 'failed', disableWatch: null }
    : { status: 'pending', nextAttemptMs: next };
}

function secretsOf({ secret, previousSecret, previousSecretUntil }: ClipWatch): string[] {
  const isGood = previousSecretUntil !== null && previousSecretUntil > new Date().toISOString();
  return previousSecret !== null && isGood ? [secret, previousSecret] : [secret];
}
