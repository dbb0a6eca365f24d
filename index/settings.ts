import { availableParallelism } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { defaultModelFolder } from './encoder/model-store.js';
import { DEFAULT_PRECISION } from './encoder/precision.js';
import { CliptraceError } from './errors.js';
import { readTimeLimits, TIME_LIMIT_NAMES, type TimeLimitFlags, type TimeLimits } from './time-limits.js';

/** What the library of the product takes from the environment; flags of the command line go before. */
export interface Settings extends TimeLimits {
  /** Absolute. */
  dataRoot: string;
  /** Folder of a model, or its manifest. */
  modelFolder: string;
  /** Of the model: float32, or that of one of its variants. */
  precision: string;
  /** Processors for the encoder. */
  threads: number;
  /** Share of the nearest segments that a server's searches are to find, (0, 1]; null: nothing is promised. */
  targetRecall: number | null;
  /** ffmpeg processes that decode side by side while an archive is indexed. */
  decodes: number;
  /** Threads that share the alignment of a search; 1: the program's own. */
  searchThreads: number;
}

/** Names of the variables that are read here; the server's configuration knows the others. */
export const SETTING_NAMES = [
  'CLIPTRACE_DATA',
  'CLIPTRACE_MODEL',
  'CLIPTRACE_PRECISION',
  'CLIPTRACE_THREADS',
  'CLIPTRACE_TARGET_RECALL',
  'CLIPTRACE_CONFINE',
  'CLIPTRACE_DECODES',
  'CLIPTRACE_SEARCH_THREADS',
  ...TIME_LIMIT_NAMES,
] as const;

/** Names of those that are read elsewhere: where the configuration file lies before the settings are read, the Python program by the trainer. */
export const NAMES_READ_ELSEWHERE = ['CLIPTRACE_CONFIG', 'CLIPTRACE_PYTHON'] as const;

const DEFAULT_TARGET_RECALL = 0.99;

/** Flags of the command line as they were given; they go before the variables. */
export interface SettingFlags extends TimeLimitFlags {
  data?: string | undefined;
  precision?: string | undefined;
  threads?: string | undefined;
  decodes?: string | undefined;
}

/** More ffmpeg processes than this are of use to no disk; a larger number can be asked for. */
const MAX_DEFAULT_DECODES = 16;
/** A search has some thirty candidates, which a few threads align in as many milliseconds. */
const MAX_DEFAULT_SEARCH_THREADS = 4;

const countSchema = z.coerce.number().int().min(1).max(256);

/** CONFIGURATION_INVALID or, for a flag, USAGE; with the name and the range that it allows. */
export function readSettings(env: NodeJS.ProcessEnv, flags: SettingFlags = {}): Settings {
  const processors = availableParallelism();
  // An unset variable of a script, most likely: it would make a library in whatever folder that runs in.
  if (flags.data === '') throw new CliptraceError('USAGE', '--data is empty: name a folder, or leave it out');
  return {
    dataRoot: path.resolve(flags.data ?? (env.CLIPTRACE_DATA || 'data')),
    modelFolder: env.CLIPTRACE_MODEL ? path.resolve(env.CLIPTRACE_MODEL) : defaultModelFolder(),
    targetRecall: readTargetRecall(env.CLIPTRACE_TARGET_RECALL),
    // Which there are is for the model to say.
    precision: flags.precision ?? (env.CLIPTRACE_PRECISION || DEFAULT_PRECISION),
    threads: readCount('CLIPTRACE_THREADS', env, { name: '--threads', text: flags.threads }) ?? processors,
    decodes:
      readCount('CLIPTRACE_DECODES', env, { name: '--decodes', text: flags.decodes }) ??
      Math.min(processors, MAX_DEFAULT_DECODES),
    searchThreads:
      readCount('CLIPTRACE_SEARCH_THREADS', env) ?? Math.min(processors, MAX_DEFAULT_SEARCH_THREADS),
    ...readTimeLimits(env, flags),
  };
}

/** 0 promises nothing. */
function readTargetRecall(text: string | undefined): number | null {
  const value = text ? Number(text) : DEFAULT_TARGET_RECALL;
  if (value >= 0 && value <= 1) return value === 0 ? null : value;
  throw new CliptraceError(
    'CONFIGURATION_INVALID',
    `CLIPTRACE_TARGET_RECALL is "${text}": it must be a number from 0 to 1 (0 = nothing is promised)`,
  );
}

function readCount(
  variable: string,
  env: NodeJS.ProcessEnv,
  flag?: { name: string; text: string | undefined },
): number | undefined {
  const byFlag = flag?.text !== undefined;
  const text = byFlag ? flag.text : env[variable];
  if (!byFlag && !text) return undefined;
  // An empty flag is a mistake, not a zero.
  const count = countSchema.safeParse(text?.trim() || Number.NaN);
  if (count.success) return count.data;
  throw new CliptraceError(
    byFlag ? 'USAGE' : 'CONFIGURATION_INVALID',
    `${byFlag ? flag.name : variable} is "${text}": it must be a whole number from 1 to 256`,
  );
}
