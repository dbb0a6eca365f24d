import type { Response } from 'express';
import { CliptraceError } from '../../index/errors.js';

interface SendError extends Error {
  status?: number;
  code?: string;
  headers?: Record<string, string>;
}

/**
 * Sends a file of ours: byte ranges, conditional requests, HEAD. MEDIA_MISSING when it went meanwhile,
 * RANGE_NOT_SATISFIABLE for a range behind its end. Resolves too when the client goes away midway.
 */
export function sendFile(
  response: Response,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { dotfiles: 'allow', cacheControl: false, acceptRanges: true, headers } as const;
    response.sendFile(path, options, (error?: Error) => {
      if (error === undefined || error === null || isGone(error, response)) resolve();
      else reject(translate(error, response));
    });
  });
}

const FILE_HEADERS = [
  'Content-Type',
  'Content-Disposition',
  'Content-Length',
  'ETag',
  'Last-Modified',
  'Cache-Control',
];

function isGone(error: SendError, response: Response): boolean {
  return error.code === 'ECONNABORTED' || error.code === 'EPIPE' || response.destroyed;
}

function translate(error: SendError, response: Response): Error {
  // They describe the file, not the problem that is sent instead.
  if (!response.headersSent) for (const name of FILE_HEADERS) response.removeHeader(name);
  if (error.status === 416) {
    const range = error.headers?.['Content-Range'] ?? String(response.getHeader('Content-Range') ?? '');
    return new CliptraceError(
      'RANGE_NOT_SATISFIABLE',
      `The file has fewer bytes than the range asks for (${range}).`,
      {
        cause: error,
        details: { headers: range === '' ? {} : { 'Content-Range': range } },
      },
    );
  }
  if (error.status === 404) {
    return new CliptraceError(
      'MEDIA_MISSING',
      "The video's file is no longer there. Index its folder again.",
      { cause: error },
    );
  }
  return error;
}
