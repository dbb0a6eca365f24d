import { isIP } from 'node:net';
import type { Request, RequestHandler } from 'express';
import helmet from 'helmet';
import { CliptraceError } from '../../index/errors.js';
import type { ServerConfiguration } from '../configuration.js';

/** Headers for every answer. The page obeys the policy: all its script and style come from this server's files. */
export function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'blob:', 'data:'],
        mediaSrc: ["'self'", 'blob:'],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // Served over plain HTTP: these belong to whoever terminates TLS, and browsers complain about them here.
    strictTransportSecurity: false,
    crossOriginOpenerPolicy: false,
    originAgentCluster: false,
    referrerPolicy: { policy: 'no-referrer' },
  });
}

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1']);

export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return LOOPBACK_NAMES.has(name) || (isIP(name) === 4 && name.startsWith('127.'));
}

/**
 * A server without keys trusts who reaches it, so a browser must not become the way in for other sites. A server on loopback answers to
 * its own names only (a foreign name that resolves to 127.0.0.1 is DNS rebinding), and no server lets another
 * site's page change anything, unless the configuration names it.
 */
export function sameSiteOnly(configuration: ServerConfiguration): RequestHandler {
  const own = new Set([...configuration.allowedHosts, configuration.host.toLowerCase()]);
  const friends = new Set(configuration.corsOrigins);
  return (request, _response, next) => {
    const host = hostName(request.headers.host);
    if (isLoopback(configuration.host) && host !== null && !isLoopback(host) && !own.has(host)) {
      throw refused(
        `This server is not known as ${JSON.stringify(host.slice(0, 100))}. ` +
          'Use localhost, or add the name to CLIPTRACE_ALLOWED_HOSTS.',
      );
    }
    if (request.method !== 'GET' && request.method !== 'HEAD' && isForeign(request, own, friends)) {
      throw refused(
        'Pages of other sites may not change anything here. Use the page of this server, or a program.',
      );
    }
    next();
  };
}

function isForeign(request: Request, own: ReadonlySet<string>, friends: ReadonlySet<string>): boolean {
  if (request.headers.origin !== undefined && friends.has(request.headers.origin)) return false;
  const site = request.headers['sec-fetch-site'];
  if (site === 'cross-site' || site === 'same-site') return true;
  if (site === 'same-origin' || site === 'none') return false;
  const origin = request.headers.origin;
  if (origin === undefined) return false;
  if (!URL.canParse(origin)) return true;
  const { host, hostname } = new URL(origin);
  return host !== request.headers.host && !own.has(hostname.replace(/^\[|\]$/g, ''));
}

/** Without port and brackets, lower case. Null when there is none. */
function hostName(header: string | undefined): string | null {
  if (header === undefined || !URL.canParse(`http://${header}`)) return null;
  return new URL(`http://${header}`).hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

function refused(message: string): CliptraceError {
  return new CliptraceError('ORIGIN_NOT_ALLOWED', message);
}
