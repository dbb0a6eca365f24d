import { readFile } from 'node:fs/promises';
import { delimiter } from 'node:path';
import { z } from 'zod';
import { CliptraceError, errorMessageOf } from '../errors.js';
import { SETTING_NAMES } from '../settings.js';
import { serverVariables } from './known-variables.js';

export interface ConfigurationFile {
  path: string;
  /** What it sets, by variable. */
  variables: Readonly<Record<string, string>>;
  /** Key in the file, by variable. */
  keys: ReadonlyMap<string, string>;
}

const valueSchema = z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]);
const fileSchema = z.record(z.string(), valueSchema);
/** Lists of folders are separated as in PATH, other lists by commas. */
const FOLDER_LISTS: ReadonlySet<string> = new Set(['CLIPTRACE_ARCHIVE_ROOTS', 'CLIPTRACE_WATCH']);

/**
 * Reads a JSON object whose keys are the variables' names without CLIPTRACE_, in camel case (`maxUploadBytes`), and
 * `ffmpegPath`. CONFIGURATION_INVALID names each key that is not known. Values are judged where the variables are.
 */
export async function readConfigurationFile(path: string): Promise<ConfigurationFile> {
  const parsed = fileSchema.safeParse(await readJson(path));
  if (!parsed.success) {
    const where = parsed.error.issues.map((issue) => issue.path.join('.') || 'the whole').join(', ');
    throw invalid(
      path,
      `must be an object of texts, numbers, true or false, and lists of texts; look at ${where}`,
    );
  }
  const known = await knownVariables();
  const unknown = Object.keys(parsed.data).filter((key) => !known.includes(variableOf(key)));
  if (unknown.length > 0) {
    const all = known.map(keyOf).sort().join(', ');
    throw invalid(path, `has keys that are not known: ${unknown.join(', ')}; known are ${all}`);
  }
  const entries = Object.entries(parsed.data).map(([key, value]) => {
    const variable = variableOf(key);
    const separator = FOLDER_LISTS.has(variable) ? delimiter : ',';
    return [variable, Array.isArray(value) ? value.join(separator) : String(value)] as const;
  });
  const keys = new Map(Object.keys(parsed.data).map((key) => [variableOf(key), key]));
  return { path, variables: Object.fromEntries(entries), keys };
}

/** The environment goes before the file. An empty variable says nothing. */
export function withFile(env: NodeJS.ProcessEnv, { variables }: ConfigurationFile): NodeJS.ProcessEnv {
  const said = Object.entries(env).filter(([name, value]) => !(name in variables) || value !== '');
  return { ...variables, ...Object.fromEntries(said) };
}

/** Says where a variable's value came from, in a message about it. */
export function namingKeys(
  message: string,
  { path, variables, keys }: ConfigurationFile,
  env: NodeJS.ProcessEnv,
): string {
  let told = message;
  for (const [variable, key] of keys) {
    if (env[variable] && env[variable] !== variables[variable]) continue;
    told = told.replace(
      new RegExp(`\\b${variable}\\b(?= (is|names))`, 'g'),
      `${variable} ("${key}" in ${path})`,
    );
  }
  return told;
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw invalid(path, `cannot be read: ${errorMessageOf(cause)}`, cause);
  });
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (cause) {
    // The parser's message repeats the text, which may hold what is nobody's business.
    throw invalid(path, 'is no JSON', cause);
  }
}

async function knownVariables(): Promise<string[]> {
  return [...SETTING_NAMES, ...(await serverVariables()), 'FFMPEG_PATH'];
}

function variableOf(key: string): string {
  if (key === 'ffmpegPath') return 'FFMPEG_PATH';
  // A key in capitals would else pass for one in camel case.
  if (!/^[a-z][A-Za-z]*$/.test(key)) return '';
  return `CLIPTRACE_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function keyOf(variable: string): string {
  return variable
    .replace(/^CLIPTRACE_/, '')
    .toLowerCase()
    .replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function invalid(path: string, what: string, cause?: unknown): CliptraceError {
  return new CliptraceError('CONFIGURATION_INVALID', `The configuration file ${path} ${what}.`, { cause });
}
