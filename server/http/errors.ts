import type { ErrorRequestHandler, Request, Response } from 'express';
import { ERRORS, errorCodeOf } from '../../index/errors.js';
import type { Services } from '../services.js';
import { problemOf, type Redaction, sendProblem } from './problem.js';
import { redactDataFolder } from './redact.js';
import { requestIdOf } from './request-log.js';

/** Answers whatever was thrown with a problem, and logs what is the server's fault. */
export function errorHandler({ cliptrace, logger, metrics }: Services): ErrorRequestHandler {
  const redactFolder = redactDataFolder(cliptrace.dataFolder);
  // Express tells an error handler by its four parameters.
  return (error: unknown, request, response, _next) => {
    const requestId = requestIdOf(response);
    const redactUpload = (response.locals.redact as Redaction | undefined) ?? ((message: string) => message);
    const problem = problemOf(error, requestId, (message) => redactFolder(redactUpload(message)));
    metrics.problem(problem.code);
    if (problem.status >= 500) logger.error({ err: error, requestId }, 'request failed');
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const headers = (error as { details?: { headers?: Record<string, string> } } | null)?.details?.headers;
    lingerBriefly(request, response);
    sendProblem(response, problem, ERRORS[errorCodeOf(error)].status < 500 ? headers : undefined);
  };
}

/** How long a body that was refused is still taken off the line, so that its sender gets to read the answer. */
const LINGER_MS = 2000;

function lingerBriefly(request: Request, response: Response): void {
  if (request.complete) return;
  response.once('finish', () => {
    // Whoever read it may have stopped midway; the next request of the connection stands behind it.
    request.unpipe();
    request.resume();
    setTimeout(() => !request.complete && request.socket.destroy(), LINGER_MS).unref();
  });
}
