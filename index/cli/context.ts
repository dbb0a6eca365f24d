import type { OpenedCliptrace } from '../cliptrace.js';
import type { Encoder } from '../encoder/types.js';
import { CliptraceError } from '../errors.js';
import { openDataFolder } from '../library/data-folder.js';
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

export function settingsOf(context: CommandContext, flags: CommonFlags): Settings {
  return readSettings(context.env, flags);
}

/** Opens the product, runs, and closes it again whatever happens. It is loaded here: most commands do without it. */
export async function withCliptrace<T>(
  context: CommandContext,
  flags: CommonFlags,
  mode: 'read' | 'write',
  work: (cliptrace: OpenedCliptrace) => Promise<T>,
): Promise<T> {
  const { openCliptrace } = await import('../cliptrace.js');
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
    await tellVariant(cliptrace.encoder, context);
    return await work(cliptrace);
  } finally {
    await cliptrace.close();
  }
}

/** What is given up for a variant is told to whoever chose it. */
async function tellVariant({ manifest, precision }: Encoder, { terminal }: CommandContext): Promise<void> {
  const { describeVariant, variantOf } = await import('../encoder/precision.js');
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
  const { openLibrary } = await import('../library/sqlite-library.js');
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
