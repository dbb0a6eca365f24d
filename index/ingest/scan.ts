import type { Stats } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { CliptraceError, errorMessageOf } from '../errors.js';
import { kindOfEntry, looksLikeVideo, notRegular } from '../media/container-check.js';
import { deviceOf } from './absence.js';
import { type EntryName, entryName, entryPath, nameNotText } from './entry-name.js';
import { claimsVideo, isLink } from './place.js';

export interface ScannedFile {
  /** Absolute; below the root as the user gave it. */
  path: string;
  sizeBytes: number;
  modifiedMs: number;
  /** Of the folder that it lies in; null where that cannot be told, or does not matter. */
  device: string | null;
}

export interface ScanFailure {
  path: string;
  error: CliptraceError;
}

export interface ScanResult {
  files: ScannedFile[];
  failures: ScanFailure[];
  /** What was not entered or opened, though it could hold or hide a video: links that lead back, pipes, sockets, devices. */
  skipped: ScanFailure[];
  /** Files whose content is not video and whose name does not claim it. */
  otherFileCount: number;
}

/**
 * Walks files and folders and finds what to index: by content, and by extension too, so that a file that
 * only claims to be a video is reported rather than passed over. Links are followed, each folder once. An
 * unreadable folder is a failure of its own; the walk goes on. Nothing but regular files is ever opened.
 */
export async function scanArchive(input: {
  roots: readonly string[];
  /** Folders that are never entered (the data folder), and nothing in them unless a root lies there. */
  exclude: readonly string[];
  signal?: AbortSignal | undefined;
}): Promise<ScanResult> {
  const walk = new Walk(await Promise.all(input.exclude.map(realPathOrSame)), input.signal);
  for (const root of input.roots) await walk.enterRoot(path.resolve(root));
  return walk.result();
}

class Walk {
  readonly #exclude: readonly string[];
  /** Of the root in hand. */
  #closed: readonly string[] = [];
  readonly #signal: AbortSignal | undefined;
  readonly #files = new Map<string, ScannedFile>();
  readonly #visitedFolders = new Set<string>();
  readonly #failures: ScanFailure[] = [];
  readonly #skipped: ScanFailure[] = [];
  #otherFileCount = 0;

  constructor(exclude: readonly string[], signal: AbortSignal | undefined) {
    this.#exclude = exclude;
    this.#signal = signal;
  }

  result(): ScanResult {
    const files = [...this.#files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
    return {
      files,
      failures: this.#failures,
      skipped: this.#skipped,
      otherFileCount: this.#otherFileCount,
    };
  }

  async enterRoot(root: string): Promise<void> {
    let info: Stats;
    try {
      info = await stat(root);
    } catch (error) {
      const name = await findShown(root);
      if (name) await this.#visit(path.dirname(root), name);
      else this.#fail(root, error);
      return;
    }
    if (info.isDirectory()) {
      const real = await realPathOrSame(root);
      // What is named, though it lies in such a folder, is entered.
      this.#closed = this.#exclude.filter((folder) => real === folder || !isWithin(folder, real));
      if (this.#closed.includes(real)) this.#skip(root, `${root} is where Cliptrace keeps its own files`);
      await this.#enterFolder(root);
    }
    // A file that is named is always tried, so that its failure is told.
    else await this.#take(root, info);
  }

  async #enterFolder(folder: string): Promise<void> {
    if (this.#signal?.aborted) throw new CliptraceError('CANCELLED', 'The indexing was cancelled');
    const real = await realPathOrSame(folder);
    if (this.#closed.some((closed) => isWithin(closed, real))) return;
    if (this.#visitedFolders.has(real)) {
      if (await isLink(folder)) this.#skip(folder, `${folder} leads to ${real}, which is read already`);
      return;
    }
    this.#visitedFolders.add(real);
    let names: EntryName[];
    try {
      names = (await readdir(folder, { encoding: 'buffer' })).map(entryName);
    } catch (error) {
      this.#fail(folder, error);
      return;
    }
    names.sort((a, b) => (a.text < b.text ? -1 : 1));
    for (const name of names) await this.#visit(folder, name);
  }

  async #visit(folder: string, name: EntryName): Promise<void> {
    const entry = entryPath(folder, name);
    const shownPath = path.join(folder, name.text);
    let info: Stats;
    try {
      info = await stat(entry);
    } catch (error) {
      await this.#tellUnreachable(entry, shownPath, error);
      return;
    }
    if (info.isDirectory()) {
      if (name.isText) await this.#enterFolder(shownPath);
      else this.#fail(shownPath, nameNotText(shownPath));
    } else if (!info.isFile()) {
      const refusal = notRegular(shownPath, kindOfEntry(info));
      if (claimsVideo(shownPath)) this.#fail(shownPath, refusal);
      else this.#skip(shownPath, errorMessageOf(refusal));
    } else if (!claimsVideo(shownPath) && !(info.size > 0 && (await looksLikeVideo(entry)))) {
      this.#otherFileCount += 1;
    } else if (name.isText) await this.#take(shownPath, info);
    else this.#fail(shownPath, nameNotText(shownPath));
  }

  /** A link without end, a link to nothing, a file that vanished since the folder was read, a folder that may not be entered. */
  async #tellUnreachable(entry: string | Buffer, shownPath: string, error: unknown): Promise<void> {
    if (claimsVideo(shownPath)) {
      this.#fail(shownPath, error);
      return;
    }
    const { code } = error as NodeJS.ErrnoException;
    const isGoneNow = code === 'ENOENT' && !(await isLink(entry));
    if (!isGoneNow) this.#skip(shownPath, fileSystemError(shownPath, error).message);
  }

  async #take(file: string, info: Stats): Promise<void> {
    const device = await deviceOf(file, info);
    this.#files.set(file, { path: file, sizeBytes: info.size, modifiedMs: info.mtimeMs, device });
  }

  #fail(entry: string, error: unknown): void {
    this.#failures.push({ path: entry, error: fileSystemError(entry, error) });
  }

  #skip(entry: string, message: string): void {
    this.#skipped.push({ path: entry, error: new CliptraceError('FILE_NOT_READABLE', message) });
  }
}

/** FILE_NOT_FOUND or FILE_NOT_READABLE, with the system's word for it. */
export function fileSystemError(entry: string, error: unknown): CliptraceError {
  if (error instanceof CliptraceError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR'
    ? new CliptraceError('FILE_NOT_FOUND', `${entry} does not exist`, { cause: error })
    : new CliptraceError('FILE_NOT_READABLE', `${entry} cannot be read: ${message}`, { cause: error });
}

/** The entry whose name is not UTF-8 and that is shown by this path, as an earlier report named it. */
async function findShown(shownPath: string): Promise<EntryName | null> {
  try {
    const names = await readdir(path.dirname(shownPath), { encoding: 'buffer' });
    const shown = path.basename(shownPath);
    return names.map(entryName).find(({ text, isText }) => !isText && text === shown) ?? null;
  } catch {
    return null;
  }
}

export function isWithin(folder: string, entry: string): boolean {
  return entry === folder || entry.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep);
}

export async function realPathOrSame(entry: string): Promise<string> {
  try {
    return await realpath(entry);
  } catch {
    return path.resolve(entry);
  }
}
