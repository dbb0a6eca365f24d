import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Request, Response } from 'express';
import multer, { MulterError } from 'multer';
import { CliptraceError } from '../../index/errors.js';
import { temporaryPrefix } from '../../index/library/own-files.js';
import { explainingWrites, explainWriteError } from '../../index/storage-errors.js';
import { cleanClientName } from './client-name.js';
import { requestInvalid } from './parse.js';

/** A received file. Its path is ours; of the client's name only a cleaned form is kept, for people. */
export interface Upload {
  path: string;
  sizeBytes: number;
  /** Null when the client gave none that can be shown. */
  clientName: string | null;
}

export interface ReceivedForm {
  file: Upload;
  /** As text, not yet validated. */
  fields: Record<string, unknown>;
  /** Removes the file and its folder. Call always, when nothing reads the file any more. */
  discard(): Promise<void>;
}

interface ReceiveOptions {
  fileField: string;
  temporaryFolder: string;
  maxUploadBytes: number;
  /** Names of the text fields, for their number and the messages. */
  fieldNames: readonly string[];
}

const FIELD_BYTES = 4096;
// Boundaries, headers and text fields around the file.
const FORM_OVERHEAD_BYTES = 64 * 1024;

/**
 * Streams a multipart body to a folder of its own below the temporary folder. One file, a bounded number of text
 * fields, every size bounded. Leaves nothing behind when it throws.
 */
export async function receiveForm(
  request: Request,
  response: Response,
  options: ReceiveOptions,
): Promise<ReceivedForm> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > options.maxUploadBytes + FORM_OVERHEAD_BYTES) throw tooLarge(options.maxUploadBytes);
  const folder = await explainingWrites('The upload', () =>
    mkdtemp(join(options.temporaryFolder, temporaryPrefix('upload'))),
  );
  // Passable, so that ffmpeg can run as a user who may read the file and nothing else of ours.
  await chmod(folder, 0o711);
  const discard = () => rm(folder, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 });
  try {
    await runMulter(request, response, folder, options);
    return { file: await uploadOf(request, options), fields: { ...request.body }, discard };
  } catch (error) {
    await discard();
    throw error;
  }
}

/** Of fields that are records (`meta.camera=3`). */
const MAX_MEMBERS = 32;

function runMulter(
  request: Request,
  response: Response,
  folder: string,
  options: ReceiveOptions,
): Promise<void> {
  const parser = multer({
    storage: multer.diskStorage({
      destination: folder,
      filename: (_request, _file, done) => done(null, randomUUID()),
    }),
    defParamCharset: 'utf8',
    limits: {
      fileSize: options.maxUploadBytes,
      files: 1,
      // One more than there are names, so that an unknown one is refused by its name.
      fields: options.fieldNames.length + 1 + MAX_MEMBERS,
      parts: options.fieldNames.length + 2 + MAX_MEMBERS,
      fieldNameSize: 100,
      fieldSize: FIELD_BYTES,
      headerPairs: 20,
      fieldNestingDepth: 0,
    },
  }).single(options.fileField);
  return new Promise((resolve, reject) => {
    parser(request, response, (error: unknown) => {
      if (error === undefined || error === null) resolve();
      else reject(translate(error, options));
    });
  });
}

async function uploadOf(request: Request, options: ReceiveOptions): Promise<Upload> {
  const file = request.file;
  if (file === undefined) {
    const asText = request.body !== undefined && options.fileField in request.body;
    const what = asText
      ? `The part "${options.fileField}" has no file name, so it is text`
      : 'The form has no file';
    throw new CliptraceError(
      'UPLOAD_MISSING',
      `${what}. Send one as the part "${options.fileField}", e.g. curl -F ${options.fileField}=@clip.mp4`,
    );
  }
  const clientName = cleanClientName(file.originalname);
  if (file.size === 0) {
    throw new CliptraceError(
      'FILE_EMPTY',
      `${clientName ?? 'The upload'} has no bytes. Send the whole file.`,
    );
  }
  return { path: file.path, sizeBytes: file.size, clientName };
}

function tooLarge(maxUploadBytes: number): CliptraceError {
  return new CliptraceError(
    'UPLOAD_TOO_LARGE',
    `The upload is larger than ${maxUploadBytes} bytes, which is what this server takes. ` +
      'Send a shorter part of the video, or raise CLIPTRACE_MAX_UPLOAD_BYTES.',
  );
}

function translate(error: unknown, options: ReceiveOptions): Error {
  if (error instanceof MulterError) return translateLimit(error, options);
  if (!(error instanceof Error)) return new Error(String(error));
  const told = explainWriteError(error, 'The upload');
  if (told instanceof CliptraceError) return told;
  const code = (error as NodeJS.ErrnoException).code;
  // Other trouble of the file system is ours, not the client's.
  if (code?.startsWith('E') === true && code !== 'ECONNRESET' && code !== 'EPIPE') return error;
  return new CliptraceError('UPLOAD_INVALID', `The multipart body cannot be read: ${error.message}.`, {
    cause: error,
  });
}

function translateLimit(error: MulterError, options: ReceiveOptions): CliptraceError {
  const field = JSON.stringify((error.field ?? '').slice(0, 60));
  const known = options.fieldNames.join(', ');
  switch (error.code) {
    case 'LIMIT_FILE_SIZE':
      return tooLarge(options.maxUploadBytes);
    case 'LIMIT_UNEXPECTED_FILE':
      return error.field === options.fileField
        ? uploadInvalid('carries more than one file; send one file a request', error)
        : uploadInvalid(
            `carries a file in the part ${field}; the file's part is "${options.fileField}"`,
            error,
          );
    case 'LIMIT_FILE_COUNT':
      return uploadInvalid('carries more than one file; send one file a request', error);
    case 'LIMIT_FIELD_COUNT':
    case 'LIMIT_PART_COUNT':
      return uploadInvalid(`has too many parts; known fields are ${known}`, error);
    case 'LIMIT_FIELD_VALUE':
      return requestInvalid([
        { field: (error.field ?? '').slice(0, 60), message: `must be at most ${FIELD_BYTES} bytes long` },
      ]);
    case 'LIMIT_FIELD_KEY':
      return uploadInvalid('has a field whose name is longer than 100 bytes', error);
    default:
      return uploadInvalid(`is not accepted: ${error.message}${error.field ? ` (${field})` : ''}`, error);
  }
}

function uploadInvalid(what: string, cause: Error): CliptraceError {
  return new CliptraceError('UPLOAD_INVALID', `The multipart body ${what}.`, { cause });
}
