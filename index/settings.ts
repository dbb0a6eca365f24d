import { availableParallelism } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { defaultModelFolder } from './encoder/model-store.js';
import { CliptraceError } from './errors.js';
import { readTimeLimits, TIME_LIMIT_NAMES, type TimeLimitFlags, type TimeLimits } from './time-limits.js';

/** What the library of the product takes from the environment; flags of the command line go before. */
export interface Settings extends TimeLimits {
  /** Absolute. */
  dataRoot: string;
  /** Folder of a model, or its manifest. */
  modelFolder: string;
  /** Threads of the encoder, and files that are decoded side by side. */
  threads: number;
  /** Share of the nearest segments that a server's searches are to find, (0, 1]; null: nothing is promised. */
  targetRecall: number | null;
}

/** Names of the variables that are read here; the server's configuration knows the others. */
export const SETTING_NAMES = [
  'CLIPTRACE_DATA',
  'CLIPTRACE_MODEL',
  'CLIPTRACE_THREADS',
  'CLIPTRACE_TARGET_RECALL',
  'CLIPTRACE_CONFINE',
  ...TIME_LIMIT_NAMES,
] as const;

const DEFAULT_TARGET_RECALL = 0.99;

const threadsSchema = z.coerce.number().int().min(1).max(256);

/** CONFIGURATION_INVALID with the name of the variable and the range that it allows. */
export function readSettings(
  env: NodeJS.ProcessEnv,
  flags: { data?: string | undefined } & TimeLimitFlags = {},
): Settings {
  const threads = threadsSchema.safeParse(env.CLIPTRACE_THREADS || availableParallelism());
  if (!threads.success) {
    throw new CliptraceError(
      'CONFIGURATION_INVALID',
      `CLIPTRACE_THREADS is "${env.CLIPTRACE_THREADS}": it must be a whole number from 1 to 256`,
    );
  }
  return {
    dataRoot: path.resolve(flags.data ?? (env.CLIPTRACE_DATA || 'data')),
    modelFolder: env.CLIPTRACE_MODEL ? path.resolve(env.CLIPTRACE_MODEL) : defaultModelFolder(),
    threads: threads.data,
    targetRecall: readTargetRecall(env.CLIPTRACE_TARGET_RECALL),
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
