import express, { type Express, type RequestHandler } from 'express';
import { CliptraceError } from '../index/errors.js';
import { type ClientLimits, clientOfAddress } from './access/client-limits.js';
import { API_PREFIX } from './address.js';
import { crossOrigin } from './http/cors.js';
import { errorHandler } from './http/errors.js';
import { handlerOf } from './http/handler.js';
import { requestLog } from './http/request-log.js';
import { requestMetrics } from './http/request-metrics.js';
import type { Route } from './http/route.js';
import { sameSiteOnly, securityHeaders } from './http/security.js';
import { clientLibrary, page } from './page.js';
import { ROUTES } from './routes/index.js';
import type { Services } from './services.js';

/** The HTTP interface and the page, as an Express app that listens nowhere yet. */
export function createApp(services: Services): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.set('case sensitive routing', true);
  // Whose word is taken for the address of a client.
  app.set('trust proxy', [...services.configuration.trustedProxies]);
  app.use(requestLog(services.logger));
  app.use(requestMetrics(services.metrics));
  app.use(securityHeaders());
  app.use(crossOrigin(services.configuration.corsOrigins));
  app.use(sameSiteOnly(services.configuration));
  app.use(limitAddresses(services.clientLimits, ROUTES));
  for (const [address, routes] of byAddress(ROUTES)) {
    for (const route of routes) app[route.method](address, handlerOf(route, services));
    app.all(address, otherMethods(routes));
  }
  app.use('/client', clientLibrary());
  app.use(page());
  app.use(nothingHere);
  app.use(errorHandler(services));
  return app;
}

function limitAddresses(limits: ClientLimits, routes: readonly Route[]): RequestHandler {
  const probes = new Set(byAddress(routes.filter((route) => route.isProbe)).keys());
  return async (request, _response, next) => {
    // With a key it counts, so that nobody tries keys there.
    const isFree = probes.has(request.path) && request.headers.authorization === undefined;
    if (!isFree) await limits.countRequest(clientOfAddress(request.ip));
    next();
  };
}

/** Express addresses and the routes that answer there. */
function byAddress(routes: readonly Route[]): Map<string, Route[]> {
  const addresses = new Map<string, Route[]>();
  for (const route of routes) {
    const local = route.address.replace(/\{(\w+)\}/g, ':$1');
    for (const address of route.alsoAtRoot ? [API_PREFIX + local, local] : [API_PREFIX + local]) {
      addresses.set(address, [...(addresses.get(address) ?? []), route]);
    }
  }
  return addresses;
}

function otherMethods(routes: readonly Route[]): RequestHandler {
  const methods = routes.map((route) => route.method.toUpperCase());
  const allowed = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  return (request, response) => {
    if (request.method === 'OPTIONS') {
      response.status(204).setHeader('Allow', allowed).end();
      return;
    }
    throw new CliptraceError(
      'METHOD_NOT_ALLOWED',
      `${request.method} is not allowed here; allowed are ${allowed}.`,
      {
        details: { headers: { Allow: allowed } },
      },
    );
  };
}

const nothingHere: RequestHandler = (request) => {
  const address = JSON.stringify(request.path.slice(0, 200));
  throw new CliptraceError(
    'NOT_FOUND',
    `There is nothing at ${address}. ${API_PREFIX}/openapi.json lists the addresses.`,
  );
};
