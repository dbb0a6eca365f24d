import { type OpenedCliptrace, openCliptrace } from '../cliptrace.js';
import { describeVariant, variantOf } from '../encoder/precision.js';
import type { Encoder } from '../encoder/types.js';
import { CliptraceError } from '../errors.js';
import { openDataFolder } from '../library/data-folder.js';
import { openLibrary } from '../library/sqlite-library.js';
import type { Library } from '../library/types.js';
import { readSettings, type SettingFlags, type Settings } from '../settings.js';
import type { Terminal } from './output.js';

/** What every command is given. */
export interface CommandContext {
  env: NodeJS.ProcessEnv;
  terminal: Terminal;
}

/** Flags that every command may have; which does, `program.ts` tells. */
export interface CommonFlags extends SettingFlags {
  json?: boolean;
}

export const EXIT_DONE = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
export const EXIT_SOME_FILES_FAILED = 3;
// Of `verify`.
export const EXIT_REPAIRABLE = 4;
export const EXIT_REPAIRED = 5;
export const EXIT_UNREPAIRABLE = 6;

export function settingsOf(context: CommandContext, flags: CommonFlags): Settings {
  return readSettings(context.env, flags);
}

/** Opens the product, runs, and closes it again whatever happens. */
export async function withCliptrace<T>(
  context: CommandContext,
  flags: CommonFlags,
  mode: 'read' | 'write',
  work: (cliptrace: OpenedCliptrace) => Promise<T>,
): Promise<T> {
  const cliptrace = await openCliptrace({
    settings: settingsOf(context, flags),
    env: context.env,
    mode,
    logger: {
      info: () => undefined,
      warn: ({ reason }, message) =>
        context.terminal.err(`Warning: ${message}${reason ? `: ${reason}` : ''}`),
    },
  });
  try {
    await cliptrace.opened;
    tellVariant(cliptrace.encoder, context);
    return await work(cliptrace);
  } finally {
    await cliptrace.close();
  }
}

/** What is given up for a variant is told to whoever chose it. */
function tellVariant({ manifest, precision }: Encoder, { terminal }: CommandContext): void {
  const variant = variantOf(manifest, precision);
  if (variant) terminal.err(`Encoder ${manifest.id}, ${describeVariant(variant)}`);
}

/** Opens the library alone, to look: needs neither model nor ffmpeg, and no other process minds. */
export async function withLibrary<T>(
  context: CommandContext,
  flags: CommonFlags,
  work: (library: Library) => Promise<T>,
): Promise<T> {
  const dataFolder = await openDataFolder(settingsOf(context, flags).dataRoot, { create: false });
  const library = await openLibrary({ dataFolder, mode: 'read' });
  try {
    return await work(library);
  } finally {
    await library.close();
  }
}

/** The id of a video, job or watch from the command line. */
export function parseId(text: string, kind: 'video' | 'job' | 'watch'): number {
  const id = Number(text);
  if (!Number.isSafeInteger(id) || id < 1) {
    throw new CliptraceError('USAGE', `"${text}" is no ${kind} id: it must be a whole number from 1`);
  }
  return id;
}

/** A number option; `undefined` when the option was not given. */
export function parseNumber(
  text: string | undefined,
  name: string,
  bounds: { min: number; max: number; integer?: boolean },
): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  const fits = value >= bounds.min && value <= bounds.max && (!bounds.integer || Number.isInteger(value));
  if (fits) return value;
  const kind = bounds.integer ? 'a whole number' : 'a number';
  const upTo = Number.isFinite(bounds.max) ? ` to ${bounds.max}` : '';
  throw new CliptraceError('USAGE', `${name} is "${text}": it must be ${kind} from ${bounds.min}${upTo}`);
}
