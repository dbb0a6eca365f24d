import type { ErrorCode } from '../../../index/errors.js';

/** Of any query. */
export const QUERY_ERRORS: readonly ErrorCode[] = [
  'RANGE_NOT_IN_VIDEO',
  'VIDEO_NOT_FOUND',
  'COLLECTION_NOT_FOUND',
  'INDEX_NOT_READY',
  'MODEL_CHANGED',
  'MODEL_MISMATCH',
  'VECTOR_INVALID',
  'KEY_NOT_ALLOWED',
];

/** Of one that has to be decoded. */
export const UPLOADED_QUERY_ERRORS: readonly ErrorCode[] = [
  'NOT_A_VIDEO',
  'CONTAINER_NOT_ALLOWED',
  'NO_VIDEO_STREAM',
  'NO_FRAMES',
  'CODEC_NOT_SUPPORTED',
  'VIDEO_ENCRYPTED',
  'DECODE_FAILED',
  'DECODE_TIMEOUT',
  'RESOLUTION_TOO_LARGE',
  'VIDEO_TOO_LONG',
  'TOO_MANY_REQUESTS',
  'FFMPEG_NOT_FOUND',
  'FFMPEG_NOT_USABLE',
  'ENCODE_FAILED',
];
