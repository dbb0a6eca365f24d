import type { Response } from 'express';
import { CliptraceError, ERRORS, type ErrorCode } from '../../index/errors.js';
import type { Problem } from '../schemas/problem.js';
import type { FieldProblem } from './parse.js';

const RETRY_AFTER_SECONDS: Partial<Record<ErrorCode, number>> = {
  TOO_MANY_REQUESTS: 2,
  INDEX_NOT_READY: 2,
};

/**
 * The problem that a client is told. Faults of the server (5xx) keep their particulars to the log: their messages
 * name files and programs of the machine.
 */
export function problemOf(error: unknown, requestId: string, secrets: Redaction): Problem {
  const code = publicCodeOf(error);
  const { status, title } = ERRORS[code];
  const isFault = status >= 500;
  const detail =
    isFault || !(error instanceof CliptraceError) ? faultDetail(code, title) : secrets(error.message);
  const errors =
    error instanceof CliptraceError ? (error.details.errors as FieldProblem[] | undefined) : undefined;
  return {
    type: `/problems/${code}`,
    title,
    status,
    code,
    detail,
    instance: `urn:uuid:${requestId}`,
    ...(isFault || errors === undefined ? {} : { errors }),
  };
}

/** Takes what a client must not see out of a message. */
export type Redaction = (message: string) => string;

export function sendProblem(
  response: Response,
  problem: Problem,
  headers: Readonly<Record<string, string>> = {},
): void {
  const retryAfter = RETRY_AFTER_SECONDS[problem.code];
  if (retryAfter !== undefined) response.setHeader('Retry-After', String(retryAfter));
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response
    .status(problem.status)
    .setHeader('Cache-Control', 'no-store')
    .type('application/problem+json')
    .send(JSON.stringify(problem));
}

function publicCodeOf(error: unknown): ErrorCode {
  if (error instanceof CliptraceError) return error.code;
  const status = (error as { status?: unknown } | null)?.status;
  // Express itself refuses addresses that cannot be decoded.
  return status === 400 ? 'REQUEST_INVALID' : 'INTERNAL';
}

function faultDetail(code: ErrorCode, title: string): string {
  if (code === 'REQUEST_INVALID') return 'The address cannot be decoded.';
  if (code === 'INDEX_NOT_READY') return `${title}. Try again in a few seconds.`;
  return `${title}. The log of the server tells more under the id of this request.`;
}
