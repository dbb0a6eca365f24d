import { fileArgument } from './file-name.js';
import type { MediaLimits } from './types.js';

export interface InputOptions {
  filePath: string;
  /** The demuxers that this file may be opened with, from `checkContainer`. */
  demuxers: readonly string[];
  limits: MediaLimits;
  logLevel: 'error' | 'info';
  seekSeconds?: number | undefined;
}

/**
 * Everything up to and with `-i FILE`. A file can name other files (playlists, references), so ffmpeg may open
 * nothing but local files, only with the demuxers of the family that the first bytes show.
 */
export function inputArguments({
  filePath,
  demuxers,
  limits,
  logLevel,
  seekSeconds,
}: InputOptions): string[] {
  return [
    '-nostdin',
    '-hide_banner',
    '-nostats',
    '-loglevel',
    logLevel,
    '-protocol_whitelist',
    'file,pipe',
    '-format_whitelist',
    demuxers.join(','),
    '-max_pixels',
    String(limits.maxPixels),
    '-threads',
    String(limits.threads),
    ...(seekSeconds === undefined ? [] : ['-ss', seekSeconds.toFixed(6)]),
    '-i',
    fileArgument(filePath),
  ];
}
