import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { CliptraceError, errorMessageOf } from '../errors.js';
import type { ResolvedAddress } from './checked-addresses.js';
import { TimeLimit } from './time-limit.js';

export interface WebhookAnswer {
  status: number;
  retryAfter: string | undefined;
}

interface WebhookRequest {
  url: URL;
  /** Allowed ones; nothing else is connected to. */
  addresses: readonly ResolvedAddress[];
  headers: Readonly<Record<string, string>>;
  body: string;
  /** From here to the head of the answer. */
  timeoutMs: number;
  signal: AbortSignal;
}

/** The body of an answer says nothing to us: so much of it is taken off the line, so that its sender need not complain. */
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_ANSWER_MS = 2000;

/**
 * Posts to one of the addresses, by a connection of its own, and follows no redirect. WEBHOOK_TIMEOUT, WEBHOOK_UNREACHABLE; CANCELLED by the
 * signal.
 */
export async function postWebhook(webhook: WebhookRequest): Promise<WebhookAnswer> {
  const { signal, timeoutMs, url } = webhook;
  const limit = new TimeLimit(timeoutMs, signal);
  try {
    const response = await send(webhook, limit.signal);
    const { statusCode = 0, headers } = response;
    await drain(response);
    return { status: statusCode, retryAfter: headers['retry-after'] };
  } catch (cause) {
    if (signal.aborted)
      throw new CliptraceError('CANCELLED', 'The delivery was interrupted; it is tried again.');
    if (limit.isOver) {
      throw new CliptraceError('WEBHOOK_TIMEOUT', `${url.host} did not answer in ${timeoutMs / 1000} s.`, {
        cause,
      });
    }
    const { code } = cause as NodeJS.ErrnoException;
    throw new CliptraceError(
      'WEBHOOK_UNREACHABLE',
      `${url.host} cannot be reached: ${code ?? errorMessageOf(cause)}.`,
      {
        cause,
      },
    );
  } finally {
    limit.clear();
  }
}

function send(
  { url, addresses, headers, body }: WebhookRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent: ClientRequest = request(url, {
      method: 'POST',
      // A connection that was made before may lead where today's addresses do not.
      agent: false,
      lookup: lookupOf(addresses),
      headers: { ...headers, 'Content-Length': String(Buffer.byteLength(body)) },
      signal,
    });
    sent.once('response', resolve);
    // More may follow the first; a promise takes one.
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Answers with what was checked, whatever is asked. */
function lookupOf(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_host, options, callback) => {
    const [first] = addresses as [ResolvedAddress];
    if (options.all) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
}

function drain(response: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0;
    const timer = setTimeout(() => response.destroy(), MAX_ANSWER_MS);
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) response.destroy();
    });
    // Its status was the answer: what becomes of the rest changes nothing.
    response.on('error', () => undefined);
    response.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
