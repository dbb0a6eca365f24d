import type { Stats } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { CliptraceError } from '../errors.js';
import { looksLikeVideo, VIDEO_EXTENSIONS } from '../media/container-check.js';

export interface ScannedFile {
  /** Absolute; below the root as the user gave it. */
  path: string;
  sizeBytes: number;
  modifiedMs: number;
}

export interface ScanFailure {
  path: string;
  error: CliptraceError;
}

export interface ScanResult {
  files: ScannedFile[];
  failures: ScanFailure[];
  /** Files whose content is not video and whose name does not claim it. */
  otherFileCount: number;
}

/**
 * Walks files and folders and finds what to index: by content, and by extension too, so that a file that
 * only claims to be a video is reported rather than passed over. Links are followed, each folder once. An
 * unreadable folder is a failure of its own; the walk goes on.
 */
export async function scanArchive(input: {
  roots: readonly string[];
  /** Folders that are never entered (the data folder). */
  exclude: readonly string[];
  signal?: AbortSignal | undefined;
}): Promise<ScanResult> {
  const walk = new Walk(await Promise.all(input.exclude.map(realPathOrSame)), input.signal);
  for (const root of input.roots) await walk.enterRoot(path.resolve(root));
  return walk.result();
}

class Walk {
  readonly #exclude: ReadonlySet<string>;
  readonly #signal: AbortSignal | undefined;
  readonly #files = new Map<string, ScannedFile>();
  readonly #visitedFolders = new Set<string>();
  readonly #failures: ScanFailure[] = [];
  #otherFileCount = 0;

  constructor(exclude: readonly string[], signal: AbortSignal | undefined) {
    this.#exclude = new Set(exclude);
    this.#signal = signal;
  }

  result(): ScanResult {
    const files = [...this.#files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
    return { files, failures: this.#failures, otherFileCount: this.#otherFileCount };
  }

  async enterRoot(root: string): Promise<void> {
    let info: Stats;
    try {
      info = await stat(root);
    } catch (error) {
      this.#fail(root, error);
      return;
    }
    if (info.isDirectory()) await this.#enterFolder(root);
    // A file that is named is always tried, so that its failure is told.
    else this.#take(root, info);
  }

  async #enterFolder(folder: string): Promise<void> {
    if (this.#signal?.aborted) throw new CliptraceError('CANCELLED', 'The indexing was cancelled');
    const real = await realPathOrSame(folder);
    if (this.#visitedFolders.has(real) || this.#exclude.has(real)) return;
    this.#visitedFolders.add(real);
    let names: string[];
    try {
      names = (await readdir(folder)).sort();
    } catch (error) {
      this.#fail(folder, error);
      return;
    }
    for (const name of names) await this.#visit(path.join(folder, name));
  }

  async #visit(entry: string): Promise<void> {
    let info: Stats;
    try {
      info = await stat(entry);
    } catch (error) {
      // A dangling link, or a file that vanished since the folder was read: only of interest when it claims to be a video.
      if (claimsVideo(entry)) this.#fail(entry, error);
      return;
    }
    if (info.isDirectory()) await this.#enterFolder(entry);
    else if (!info.isFile()) return;
    else if (claimsVideo(entry) || (info.size > 0 && (await looksLikeVideo(entry)))) this.#take(entry, info);
    else this.#otherFileCount += 1;
  }

  #take(file: string, info: Stats): void {
    this.#files.set(file, { path: file, sizeBytes: info.size, modifiedMs: info.mtimeMs });
  }

  #fail(entry: string, error: unknown): void {
    this.#failures.push({ path: entry, error: fileSystemError(entry, error) });
  }
}

/** FILE_NOT_FOUND or FILE_NOT_READABLE, with the system's word for it. */
export function fileSystemError(entry: string, error: unknown): CliptraceError {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR'
    ? new CliptraceError('FILE_NOT_FOUND', `${entry} does not exist`, { cause: error })
    : new CliptraceError('FILE_NOT_READABLE', `${entry} cannot be read: ${message}`, { cause: error });
}

/** True only when the file is certainly gone: an unreadable folder or an input/output error does not count. */
export async function isGone(filePath: string): Promise<boolean> {
  try {
    await lstat(filePath);
    return false;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR';
  }
}

function claimsVideo(file: string): boolean {
  return VIDEO_EXTENSIONS.has(path.extname(file).toLowerCase());
}

async function realPathOrSame(entry: string): Promise<string> {
  try {
    return await realpath(entry);
  } catch {
    return path.resolve(entry);
  }
}
