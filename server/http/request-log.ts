import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import type { Logger } from 'pino';

/** Gives each request an id, tells it the client, and logs the request when its answer has ended. */
export function requestLog(logger: Logger): RequestHandler {
  return (request, response, next) => {
    const requestId = randomUUID();
    const startedAt = performance.now();
    response.locals.requestId = requestId;
    response.setHeader('X-Request-Id', requestId);
    response.once('close', () => {
      const entry = {
        requestId,
        method: request.method,
        // The query may hold a person's words; it is of use at debug level only.
        path: request.path,
        ...(response.locals.keyId == null ? {} : { key: response.locals.keyId }),
        status: response.writableFinished ? response.statusCode : null,
        elapsedMs: Math.round(performance.now() - startedAt),
      };
      if (!response.writableFinished) logger.info(entry, 'request broken off');
      else if (response.statusCode >= 400) logger.info(entry, 'request refused');
      else logger.debug(entry, 'request answered');
    });
    next();
  };
}

export function requestIdOf(response: Response): string {
  return String(response.locals.requestId);
}
