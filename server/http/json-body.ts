import express, { type Request, type Response } from 'express';
import { CliptraceError } from '../../index/errors.js';

/** Of a body for which nothing else is said. */
export const MAX_JSON_BYTES = 64 * 1024;

interface BodyParserError extends Error {
  type?: string;
  status?: number;
}

/** The JSON value of the body. REQUEST_INVALID when it is none, UPLOAD_TOO_LARGE when it is too long. */
export async function readJson(
  request: Request,
  response: Response,
  maxBytes: number = MAX_JSON_BYTES,
): Promise<unknown> {
  const parser = express.json({ limit: maxBytes, strict: false, inflate: false, type: () => true });
  await new Promise<void>((resolve, reject) => {
    parser(request, response, (error?: unknown) =>
      error === undefined ? resolve() : reject(translate(error, maxBytes)),
    );
  });
  if (request.body === undefined) throw invalid('The body is empty; send a JSON object.');
  return request.body;
}

function translate(error: unknown, maxBytes: number): unknown {
  const { type, status, message } = error as BodyParserError;
  if (type === 'entity.too.large') {
    return new CliptraceError('UPLOAD_TOO_LARGE', `The JSON body is longer than ${maxBytes} bytes.`);
  }
  if (type === 'entity.parse.failed') return invalid(`The body is not JSON: ${message}.`, error);
  if (status === 415) {
    return new CliptraceError(
      'MEDIA_TYPE_NOT_SUPPORTED',
      `The body cannot be read: ${message}. Send UTF-8, uncompressed.`,
    );
  }
  if (status === 400) return invalid(`The body cannot be read: ${message}.`, error);
  return error;
}

function invalid(message: string, cause?: unknown): CliptraceError {
  return new CliptraceError('REQUEST_INVALID', message, { cause });
}
