import type { ErrorCode } from '../../index/errors.js';

const CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'NO_VIDEO_STREAM',
  'NO_FRAMES',
  'CODEC_NOT_SUPPORTED',
  'VIDEO_ENCRYPTED',
  'DECODE_FAILED',
  'DECODE_TIMEOUT',
  'RESOLUTION_TOO_LARGE',
  'VIDEO_TOO_LONG',
  'FFMPEG_NOT_USABLE',
]);

export function isFfmpegFailure(code: string): boolean {
  return CODES.has(code);
}
