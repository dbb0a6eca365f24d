import { fileArgument } from './file-name.js';
import type { MediaLimits } from './types.js';

export interface InputOptions {
  filePath: string;
  /** The demuxers that this file may be opened with, from `checkContainer`. */
  demuxers: readonly string[];
  limits: MediaLimits;
  seekSeconds?: number | undefined;
  /** Packets that may wait to be decoded, where there are several inputs, each with a thread that reads it. */
  queuedPackets?: number | undefined;
  /** True where ffmpeg cannot find a time exactly: it then decodes up to it and drops what comes before. */
  decodeUpTo?: boolean | undefined;
}

/** `level+info`: what the files are, and each message with its level (`splitLevels`). */
export type LogLevel = 'error' | 'info' | 'level+info';

/** Everything up to and with `-i FILE`, and the time to begin at. */
export function inputArguments({ logLevel, ...input }: InputOptions & { logLevel: LogLevel }): string[] {
  return [...globalArguments(logLevel), ...fileArguments(input)];
}

export function globalArguments(logLevel: LogLevel): string[] {
  return ['-nostdin', '-hide_banner', '-nostats', '-loglevel', logLevel];
}

/**
 * One input. A file can name other files (playlists, references), so ffmpeg may open nothing but local files, only with
 * the demuxers of the family that the first bytes show.
 */
export function fileArguments({
  filePath,
  demuxers,
  limits,
  seekSeconds,
  decodeUpTo = false,
  queuedPackets,
}: InputOptions): string[] {
  // To seek to 0 is not to begin at the beginning: of an AVI with frames out of order it drops the first.
  const seek = seekSeconds === undefined || seekSeconds === 0 ? [] : ['-ss', seekSeconds.toFixed(6)];
  return [
    '-protocol_whitelist',
    'file,pipe',
    '-format_whitelist',
    demuxers.join(','),
    '-max_pixels',
    String(limits.maxPixels),
    '-threads',
    String(limits.threads),
    ...forcedFormat(demuxers),
    ...(queuedPackets === undefined ? [] : ['-thread_queue_size', String(queuedPackets)]),
    ...(decodeUpTo ? [] : seek),
    '-i',
    fileArgument(filePath),
    ...(decodeUpTo ? seek : []),
  ];
}

/** A transport stream of a few packets looks to ffmpeg like sound, which is none of what it may open. */
function forcedFormat(demuxers: readonly string[]): string[] {
  return demuxers.length === 1 && demuxers[0] === 'mpegts' ? ['-f', 'mpegts'] : [];
}
