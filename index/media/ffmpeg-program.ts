import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { CliptraceError } from '../errors.js';
import { FfmpegChild } from './child-process.js';
import { findConfinement } from './find-confinement.js';
import type { FfmpegProgram, FfmpegSource } from './types.js';

/** The first libavutil major of each ffmpeg 5 build; git builds carry no other number that orders them. */
const FFMPEG_5_LIBAVUTIL = 57;
const START_TIMEOUT_MS = 30_000;
const REMEDY =
  'Install ffmpeg 5 or newer (https://ffmpeg.org/download.html, or your package manager) and put it on PATH, ' +
  'or set FFMPEG_PATH to its program file.';

/**
 * Finds the ffmpeg program: FFMPEG_PATH, ffmpeg-static, PATH, @ffmpeg-installer/ffmpeg.
 * FFMPEG_NOT_USABLE when FFMPEG_PATH is set and does not work (another one is then not taken silently),
 * FFMPEG_NOT_FOUND when no place has one.
 */
export async function resolveFfmpeg({ env }: { env: NodeJS.ProcessEnv }): Promise<FfmpegProgram> {
  const program = await findFfmpeg(env);
  return isConfined(env) ? { ...program, confinement: await findConfinement(program.path) } : program;
}

/** CLIPTRACE_CONFINE=off is for programs that stand in for ffmpeg, and for systems where confining does harm. */
function isConfined(env: NodeJS.ProcessEnv): boolean {
  const value = env.CLIPTRACE_CONFINE || 'auto';
  if (value === 'auto' || value === 'off') return value === 'auto';
  throw new CliptraceError(
    'CONFIGURATION_INVALID',
    `CLIPTRACE_CONFINE is "${value}": it must be auto or off`,
  );
}

async function findFfmpeg(env: NodeJS.ProcessEnv): Promise<FfmpegProgram> {
  if (env.FFMPEG_PATH) return fromVariable(env.FFMPEG_PATH);
  const places: [FfmpegSource, () => Promise<string[]>][] = [
    ['ffmpeg-static', () => staticCandidates(env)],
    ['PATH', async () => pathCandidates(env)],
    ['@ffmpeg-installer/ffmpeg', installerCandidates],
  ];
  const tried: string[] = [];
  for (const [source, candidates] of places) {
    for (const path of await candidates()) {
      const version = await readVersion(path).catch((error: unknown) => {
        tried.push(`${path} (${error instanceof Error ? error.message : String(error)})`);
        return null;
      });
      if (version) return describe(path, source, version);
    }
  }
  const failures = tried.length > 0 ? ` These were found but do not work: ${tried.join('; ')}.` : '';
  throw new CliptraceError('FFMPEG_NOT_FOUND', `No ffmpeg program was found.${failures} ${REMEDY}`);
}

async function fromVariable(value: string): Promise<FfmpegProgram> {
  const path = resolve(value);
  try {
    if (!(await isProgram(path))) throw new Error('there is no executable file');
    return describe(path, 'FFMPEG_PATH', await readVersion(path));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliptraceError(
      'FFMPEG_NOT_USABLE',
      `FFMPEG_PATH is "${value}", which does not work as ffmpeg: ${why}. Correct it, or unset it to let Cliptrace look for one.`,
      { cause },
    );
  }
}

async function staticCandidates(env: NodeJS.ProcessEnv): Promise<string[]> {
  // As a value: npm leaves the optional package out where its download fails, and then there is no type either.
  const packageName: string = 'ffmpeg-static';
  const imported = (await import(packageName).catch(() => null)) as { default?: unknown } | null;
  const fromPackage = imported?.default;
  const candidates = [env.FFMPEG_BIN, fromPackage].filter((path) => typeof path === 'string' && path !== '');
  return existing(candidates as string[]);
}

async function pathCandidates(env: NodeJS.ProcessEnv): Promise<string[]> {
  const name = process.platform === 'win32' ? 'ffmpeg.exe' : 'ffmpeg';
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => isAbsolute(folder));
  return existing(folders.map((folder) => join(folder, name)));
}

async function installerCandidates(): Promise<string[]> {
  // The package throws on import where it has no binary for the platform.
  const imported = await import('@ffmpeg-installer/ffmpeg').catch(() => null);
  const path: unknown = imported?.default?.path;
  return typeof path === 'string' ? existing([path]) : [];
}

async function existing(paths: string[]): Promise<string[]> {
  const flags = await Promise.all(paths.map(isProgram));
  return paths.filter((_, index) => flags[index]);
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

interface VersionText {
  version: string;
  libavutilMajor: number | null;
}

async function readVersion(path: string): Promise<VersionText> {
  const child = new FfmpegChild({
    ffmpeg: { path },
    args: ['-hide_banner', '-version'],
    filePath: path,
    timeoutMs: START_TIMEOUT_MS,
    stallTimeoutMs: START_TIMEOUT_MS,
  });
  try {
    let text = '';
    for (let bytes = await child.read(); bytes !== null; bytes = await child.read()) {
      text = (text + bytes.toString('utf8')).slice(0, 16_384);
    }
    const { exitCode, exitSignal } = await child.wait();
    const version = /^ffmpeg version (\S+)/m.exec(text)?.[1];
    if (exitCode !== 0) throw new Error(`"-version" ended with ${exitSignal ?? `exit code ${exitCode}`}`);
    if (version === undefined) throw new Error('"-version" does not answer like ffmpeg');
    const major = /^libavutil\s+(\d+)\./m.exec(text)?.[1];
    return { version, libavutilMajor: major === undefined ? null : Number(major) };
  } finally {
    await child.stop();
  }
}

function describe(
  path: string,
  source: FfmpegSource,
  { version, libavutilMajor }: VersionText,
): FfmpegProgram {
  const outdated = libavutilMajor !== null && libavutilMajor < FFMPEG_5_LIBAVUTIL;
  const warning = outdated
    ? `ffmpeg ${version} (from ${source}) is older than ffmpeg 5 and misses years of security fixes: ` +
      `do not let it read files of strangers. ${REMEDY}`
    : null;
  return { path, source, version, warning };
}
