import { CliptraceError } from '../errors.js';

const MAX_LENGTH = 2000;

/**
 * The address in its one canonical form: `http://2130706433/` and `http://0x7f.1/` become `http://127.0.0.1/`.
 * WEBHOOK_URL_INVALID.
 */
export function parseWebhookUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const wrong =
    url === null
      ? 'is no URL'
      : url.protocol !== 'https:' && url.protocol !== 'http:'
        ? 'is neither https nor http'
        : url.username !== '' || url.password !== ''
          ? 'holds a user name or password'
          : url.hash !== ''
            ? 'has a fragment, which is never sent'
            : text.length > MAX_LENGTH
              ? `is longer than ${MAX_LENGTH} characters`
              : null;
  if (url !== null && wrong === null) return url;
  throw new CliptraceError(
    'WEBHOOK_URL_INVALID',
    // Nothing of a password is repeated.
    `The webhook address ${wrong}. Give one like https://hooks.example/cliptrace`,
  );
}

/** A host as `node:net` takes it: without the brackets of an IPv6 address. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}
