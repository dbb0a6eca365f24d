import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { abortable } from '../abortable.js';
import { CliptraceError, errorMessageOf } from '../errors.js';
import type { AddressRules } from './address-rules.js';
import { TimeLimit } from './time-limit.js';
import { hostOf } from './webhook-url.js';

export interface ResolvedAddress {
  address: string;
  family: 4 | 6;
}

/** All addresses of a name. */
export type Resolver = (host: string) => Promise<ResolvedAddress[]>;

export interface CheckOptions {
  rules: AddressRules;
  resolver: Resolver;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/** As the system resolves names: its hosts file, too. */
export const systemResolver: Resolver = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address, family }) => ({
    address,
    family: family === 6 ? 6 : 4,
  }));

/**
 * The addresses of a webhook's host, every one of which is allowed: whoever connects uses these and resolves no more, or another
 * answer of the name server could lead elsewhere. WEBHOOK_HOST_UNKNOWN, WEBHOOK_ADDRESS_REFUSED; CANCELLED by the signal.
 */
export async function checkedAddresses(
  url: URL,
  { rules, resolver, timeoutMs, signal }: CheckOptions,
): Promise<ResolvedAddress[]> {
  const host = hostOf(url);
  const version = isIP(host);
  const addresses =
    version === 0
      ? await resolve(host, { resolver, timeoutMs, signal })
      : [{ address: host, family: version === 6 ? (6 as const) : (4 as const) }];
  if (addresses.some(({ address }) => !rules.allows(host, address))) {
    throw new CliptraceError(
      'WEBHOOK_ADDRESS_REFUSED',
      // Which address it is would tell a stranger of names of the inner network.
      `The webhook's host ${host} has an address of this machine, of a private network or of no network. ` +
        'Give a public one, or have it allowed by CLIPTRACE_WEBHOOK_ALLOW.',
    );
  }
  return addresses;
}

async function resolve(
  host: string,
  { resolver, timeoutMs, signal }: Omit<CheckOptions, 'rules'>,
): Promise<ResolvedAddress[]> {
  // A question to the system cannot be taken back: it is left alone with its answer.
  const limit = new TimeLimit(timeoutMs, signal);
  try {
    signal?.throwIfAborted();
    const addresses = await abortable(resolver(host), limit.signal);
    if (addresses.length > 0) return addresses;
    throw new Error('it has no address');
  } catch (cause) {
    if (signal?.aborted) {
      throw new CliptraceError('CANCELLED', 'The delivery was interrupted; it is tried again.', { cause });
    }
    throw new CliptraceError(
      'WEBHOOK_HOST_UNKNOWN',
      `The webhook's host ${host} cannot be found (${(cause as NodeJS.ErrnoException).code ?? errorMessageOf(cause)}). Check its name.`,
      { cause },
    );
  } finally {
    limit.clear();
  }
}
