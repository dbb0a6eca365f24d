import { CliptraceError } from './errors.js';

/** How long ffmpeg may take for a file of the archive before it is killed and the file named with DECODE_TIMEOUT. */
export interface TimeLimits {
  /** From the start of ffmpeg to its end; null = however long it takes, as long as it goes on. */
  fileTimeoutMs: number | null;
  /** Without giving a single picture. */
  stallTimeoutMs: number;
  /** For the clip of a search, from the start of ffmpeg to its end, and of processor time. */
  queryTimeoutMs: number;
}

/** Flags of the command line as they were given, in seconds; they go before the variables. */
export interface TimeLimitFlags {
  fileTimeout?: string | undefined;
  stallTimeout?: string | undefined;
}

export const TIME_LIMIT_NAMES = [
  'CLIPTRACE_FILE_TIMEOUT_SECONDS',
  'CLIPTRACE_STALL_TIMEOUT_SECONDS',
  'CLIPTRACE_QUERY_TIMEOUT_SECONDS',
] as const;

const DEFAULT_STALL_SECONDS = 60;
const DEFAULT_QUERY_SECONDS = 240;
const WEEK_SECONDS = 7 * 24 * 3600;

/** CONFIGURATION_INVALID for a variable, USAGE for a flag, with its name and the range that it allows. */
export function readTimeLimits(env: NodeJS.ProcessEnv, flags: TimeLimitFlags = {}): TimeLimits {
  const [fileName, stallName, queryName] = TIME_LIMIT_NAMES;
  const fileSeconds =
    seconds(flags.fileTimeout, '--file-timeout', 'USAGE') ??
    seconds(env[fileName] || undefined, fileName, 'CONFIGURATION_INVALID');
  const stallSeconds =
    seconds(flags.stallTimeout, '--stall-timeout', 'USAGE') ??
    seconds(env[stallName] || undefined, stallName, 'CONFIGURATION_INVALID') ??
    DEFAULT_STALL_SECONDS;
  return {
    fileTimeoutMs: fileSeconds === null ? null : fileSeconds * 1000,
    stallTimeoutMs: stallSeconds * 1000,
    queryTimeoutMs:
      (seconds(env[queryName] || undefined, queryName, 'CONFIGURATION_INVALID') ?? DEFAULT_QUERY_SECONDS) *
      1000,
  };
}

function seconds(
  text: string | undefined,
  name: string,
  code: 'USAGE' | 'CONFIGURATION_INVALID',
): number | null {
  if (text === undefined) return null;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= 1 && value <= WEEK_SECONDS) return value;
  throw new CliptraceError(
    code,
    `${name} is "${text}": it must be a number of seconds from 1 to ${WEEK_SECONDS}`,
  );
}
