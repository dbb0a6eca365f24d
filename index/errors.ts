/**
 * The one error of the product: a stable `code` for programs, a message for people that names the bad
 * value and the remedy. `cause` is always kept where there is one.
 */
export class CliptraceError extends Error {
  readonly code: ErrorCode;
  /** What a program may want beside the code; never holds secrets or file contents. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CliptraceError';
    this.code = code;
    this.details = Object.freeze({ ...options.details });
  }
}

export interface ErrorDescription {
  /** HTTP status when the error reaches a client. */
  status: number;
  /** RFC 9457 `title`: the kind of problem, without the particulars. */
  title: string;
}

/** Every code that the product can answer with. docs/api.md lists the same table; a test compares them. */
export const ERRORS = {
  // Files and their content
  FILE_NOT_FOUND: { status: 404, title: 'The file does not exist' },
  FILE_NOT_READABLE: { status: 422, title: 'The file cannot be read' },
  FILE_NAME_INVALID: { status: 422, title: 'The file name is not valid UTF-8' },
  FILE_CHANGED: { status: 409, title: 'The file changed while it was read' },
  FILE_EMPTY: { status: 422, title: 'The file has no bytes' },
  NOT_A_VIDEO: { status: 422, title: 'The file is not a video container that can be opened' },
  CONTAINER_NOT_ALLOWED: { status: 422, title: 'This kind of container is not accepted' },
  NO_VIDEO_STREAM: { status: 422, title: 'The file has no video stream' },
  NO_FRAMES: { status: 422, title: 'No frame of the video can be decoded' },
  CODEC_NOT_SUPPORTED: { status: 422, title: 'The video codec cannot be decoded here' },
  VIDEO_ENCRYPTED: { status: 422, title: 'The video is encrypted' },
  DECODE_FAILED: { status: 422, title: 'The video cannot be decoded' },
  DECODE_TIMEOUT: { status: 422, title: 'Decoding took longer than allowed' },
  RESOLUTION_TOO_LARGE: { status: 422, title: 'The frames of the video are larger than allowed' },
  VIDEO_TOO_LONG: { status: 422, title: 'The video lasts longer than allowed' },
  RANGE_NOT_IN_VIDEO: { status: 422, title: 'The time range lies outside the video' },
  // Programs and models
  FFMPEG_NOT_FOUND: { status: 503, title: 'No ffmpeg program was found' },
  FFMPEG_NOT_USABLE: { status: 503, title: 'The ffmpeg program does not work' },
  MODEL_NOT_FOUND: { status: 503, title: 'The encoder model does not exist' },
  MODEL_INVALID: { status: 503, title: 'The encoder model or its manifest is damaged' },
  MODEL_CHECK_FAILED: { status: 503, title: 'The encoder does not reproduce its check vectors' },
  MODEL_CHANGED: { status: 409, title: 'The model changed while the video was encoded' },
  MODEL_MISMATCH: { status: 409, title: 'The embedding is of another model' },
  ENCODE_FAILED: { status: 500, title: 'The encoder failed' },
  // Vectors and library
  VECTOR_INVALID: { status: 422, title: 'A vector is not finite, not unit-norm or of another dimension' },
  INDEX_FULL: { status: 507, title: 'The index holds as many segments as it can' },
  INDEX_NOT_READY: { status: 503, title: 'The index is still being loaded' },
  LIBRARY_NOT_FOUND: { status: 503, title: 'The data folder holds no library' },
  LIBRARY_DAMAGED: { status: 503, title: 'The library database is damaged' },
  LIBRARY_TOO_NEW: { status: 503, title: 'The data folder was written by a newer version' },
  MIGRATION_HISTORY: { status: 503, title: 'The migration history does not match' },
  MIGRATION_FAILED: { status: 503, title: 'A migration failed' },
  DATA_FOLDER_IN_USE: { status: 503, title: 'Another process uses the data folder' },
  DATA_FOLDER_NOT_WRITABLE: { status: 503, title: 'The data folder cannot be written' },
  DATA_FOLDER_NOT_EMPTY: { status: 409, title: 'The data folder holds something already' },
  BACKUP_NOT_RECOGNISED: { status: 422, title: 'The file is no backup of Cliptrace' },
  BACKUP_DAMAGED: { status: 422, title: 'The backup is cut or altered' },
  BACKUP_TOO_NEW: { status: 422, title: 'The backup was written by a newer version' },
  DISK_FULL: { status: 507, title: 'The disk is full' },
  VIDEO_NOT_FOUND: { status: 404, title: 'There is no such video' },
  COLLECTION_NOT_FOUND: { status: 404, title: 'There is no such collection' },
  JOB_NOT_FOUND: { status: 404, title: 'There is no such job' },
  JOB_ALREADY_ENDED: { status: 409, title: 'The job has already ended' },
  TOO_FEW_VIDEOS: { status: 422, title: 'The collection has too few videos' },
  EVALUATION_NOT_FOUND: { status: 404, title: 'There is no such evaluation' },
  MEDIA_MISSING: { status: 410, title: "The video's file is no longer there" },
  DISK_NOT_MOUNTED: { status: 503, title: 'The disk of the file may not be mounted' },
  // Watches and webhooks
  WATCH_NOT_FOUND: { status: 404, title: 'There is no such watch' },
  TOO_MANY_WATCHES: { status: 409, title: 'There are as many watches as allowed' },
  DELIVERY_NOT_FOUND: { status: 404, title: 'There is no such delivery' },
  WEBHOOK_URL_INVALID: { status: 422, title: 'The webhook address is not one that can be used' },
  WEBHOOK_HOST_UNKNOWN: { status: 422, title: 'The host of the webhook cannot be found' },
  WEBHOOK_ADDRESS_REFUSED: { status: 422, title: 'The webhook leads to an address that is not allowed' },
  WEBHOOK_UNREACHABLE: { status: 502, title: 'The webhook cannot be reached' },
  WEBHOOK_TIMEOUT: { status: 504, title: 'The webhook did not answer in time' },
  WEBHOOK_REDIRECTED: { status: 502, title: 'The webhook answered with a redirect, which is not followed' },
  WEBHOOK_REFUSED: { status: 502, title: 'The webhook did not answer with success' },
  WEBHOOK_GONE: { status: 502, title: 'The webhook says that it is gone' },
  // Requests and usage
  KEY_REQUIRED: { status: 401, title: 'This server asks for an API key' },
  KEY_INVALID: { status: 401, title: 'The API key is unknown or revoked' },
  KEY_NOT_ALLOWED: { status: 403, title: 'The API key does not allow this' },
  KEY_NOT_FOUND: { status: 404, title: 'There is no such API key' },
  USAGE: { status: 400, title: 'The command or request is malformed' },
  REQUEST_INVALID: { status: 400, title: 'The request does not match its schema' },
  UPLOAD_MISSING: { status: 400, title: 'The request carries no file' },
  UPLOAD_TOO_LARGE: { status: 413, title: 'The upload is larger than allowed' },
  UPLOAD_INVALID: { status: 400, title: 'The multipart body is malformed' },
  MEDIA_TYPE_NOT_SUPPORTED: { status: 415, title: 'This content type is not accepted here' },
  ORIGIN_NOT_ALLOWED: { status: 403, title: 'Requests from other sites are refused' },
  PATH_OUTSIDE_ARCHIVE: { status: 403, title: 'The path lies outside the archive roots' },
  RANGE_NOT_SATISFIABLE: { status: 416, title: 'The requested byte range lies outside the file' },
  NOT_FOUND: { status: 404, title: 'There is nothing at this address' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'This method is not allowed here' },
  TOO_MANY_REQUESTS: { status: 429, title: 'Too much is going on at the moment' },
  CONFIGURATION_INVALID: { status: 500, title: 'The configuration is invalid' },
  PORT_IN_USE: { status: 500, title: 'The port is already in use' },
  CANCELLED: { status: 409, title: 'The operation was cancelled' },
  INTERNAL: { status: 500, title: 'Something went wrong inside the server' },
} as const satisfies Record<string, ErrorDescription>;

export type ErrorCode = keyof typeof ERRORS;

/** The code of any thrown value: its own, or INTERNAL. */
export function errorCodeOf(error: unknown): ErrorCode {
  return error instanceof CliptraceError ? error.code : 'INTERNAL';
}

/** The message of any thrown value. */
export function errorMessageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
