import type { ErrorRequestHandler } from 'express';
import { ERRORS, errorCodeOf } from '../../index/errors.js';
import type { Services } from '../services.js';
import { problemOf, type Redaction, sendProblem } from './problem.js';
import { redactDataFolder } from './redact.js';
import { requestIdOf } from './request-log.js';

/** Answers whatever was thrown with a problem, and logs what is the server's fault. */
export function errorHandler({ cliptrace, logger }: Services): ErrorRequestHandler {
  const redactFolder = redactDataFolder(cliptrace.dataFolder);
  // Express tells an error handler by its four parameters.
  return (error: unknown, _request, response, _next) => {
    const requestId = requestIdOf(response);
    const redactUpload = (response.locals.redact as Redaction | undefined) ?? ((message: string) => message);
    const problem = problemOf(error, requestId, (message) => redactFolder(redactUpload(message)));
    if (problem.status >= 500) logger.error({ err: error, requestId }, 'request failed');
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const headers = (error as { details?: { headers?: Record<string, string> } } | null)?.details?.headers;
    sendProblem(response, problem, ERRORS[errorCodeOf(error)].status < 500 ? headers : undefined);
  };
}
