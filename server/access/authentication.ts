import type { Request } from 'express';
import { isSameSecret, parseApiKey } from '../../index/access/api-key.js';
import type { Scope } from '../../index/access/scopes.js';
import { CliptraceError } from '../../index/errors.js';
import type { ApiKey, Library } from '../../index/library/types.js';
import { EVERYONE, may, NOBODY, type Principal, principalOf } from './principal.js';
import type { Tickets } from './tickets.js';

type Keys = Pick<Library, 'findApiKey' | 'touchApiKey'>;

interface Wanted {
  /** Null: open to everyone. */
  scope: Scope | null;
  /** Needed besides. */
  alsoScope: Scope | null;
  /** The video that a ticket may stand for a key with; null where none is accepted. */
  ticketVideoId: number | null;
}

const TOUCH_INTERVAL_MS = 60_000;

/** Tells who sent a request, from its headers and address alone: no byte of the body has been read by then. */
export class Authentication {
  readonly #isRequired: boolean;
  readonly #keys: Keys;
  readonly #tickets: Tickets;
  readonly #touchedAtMs = new Map<string, number>();

  constructor(parts: { isRequired: boolean; keys: Keys; tickets: Tickets }) {
    this.#isRequired = parts.isRequired;
    this.#keys = parts.keys;
    this.#tickets = parts.tickets;
  }

  /** KEY_REQUIRED, KEY_INVALID, KEY_NOT_ALLOWED. */
  async check(request: Request, wanted: Wanted): Promise<Principal> {
    if (!this.#isRequired) return EVERYONE;
    const principal = await this.#principalOf(request, wanted);
    const needed = [wanted.scope, wanted.alsoScope].filter((scope) => scope !== null);
    if (needed.every((scope) => may(principal, scope))) return principal;
    if (principal.keyId === null) throw required();
    throw new CliptraceError(
      'KEY_NOT_ALLOWED',
      `This API key has the scopes ${[...principal.scopes].join(', ')}, but this needs ${needed.join(' and ')}. ` +
        'Use another key, or have one made with `cliptrace keys create`.',
    );
  }

  async #principalOf(request: Request, { scope, ticketVideoId }: Wanted): Promise<Principal> {
    const header = request.headers.authorization;
    if (header !== undefined) return this.#byHeader(header);
    const { ticket } = request.query;
    if (ticketVideoId !== null && typeof ticket === 'string') return this.#byTicket(ticket, ticketVideoId);
    if (scope !== null) throw required();
    return NOBODY;
  }

  async #byHeader(header: string): Promise<Principal> {
    const given = parseApiKey(/^Bearer +(\S+)$/i.exec(header)?.[1] ?? '');
    const key = given === null ? null : await this.#keys.findApiKey(given.publicId);
    if (given === null || !isSameSecret(given.secretSha256, key?.secretSha256 ?? null)) throw invalid();
    return this.#accept(key);
  }

  async #byTicket(ticket: string, videoId: number): Promise<Principal> {
    const keyId = this.#tickets.keyIdOf(ticket, videoId);
    if (keyId === null) throw invalid('The link is no longer good. Ask for the video again.');
    return this.#accept(await this.#keys.findApiKey(keyId));
  }

  async #accept(key: ApiKey | null): Promise<Principal> {
    if (key === null || key.revokedAt !== null) throw invalid();
    const nowMs = Date.now();
    if (nowMs - (this.#touchedAtMs.get(key.publicId) ?? 0) >= TOUCH_INTERVAL_MS) {
      this.#touchedAtMs.set(key.publicId, nowMs);
      // A full disk must not keep anyone from searching.
      await this.#keys.touchApiKey(key.publicId).catch(() => undefined);
    }
    return principalOf(key);
  }
}

function required(): CliptraceError {
  return new CliptraceError(
    'KEY_REQUIRED',
    'Send an API key in the header "Authorization: Bearer KEY". `cliptrace keys create` makes one on the server.',
    { details: { headers: { 'WWW-Authenticate': 'Bearer realm="cliptrace"' } } },
  );
}

function invalid(
  message = 'This API key is unknown or revoked. Check it, or have one made with `cliptrace keys create`.',
) {
  return new CliptraceError('KEY_INVALID', message, {
    details: { headers: { 'WWW-Authenticate': 'Bearer realm="cliptrace", error="invalid_token"' } },
  });
}
