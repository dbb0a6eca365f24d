import type { RequestHandler } from 'express';
import type { Metrics } from '../metrics/metrics.js';

/** Measures each request; by the address of its route, never by what it asked for. */
export function requestMetrics(metrics: Metrics): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    response.once('close', () => {
      const route = (response.locals.route as string | undefined) ?? 'other';
      const status = response.writableFinished ? response.statusCode : null;
      metrics.request(request.method, route, status, (performance.now() - startedAt) / 1000);
    });
    next();
  };
}
