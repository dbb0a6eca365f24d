import { stat } from 'node:fs/promises';
import path from 'node:path';
import { CliptraceError } from '../errors.js';
import type { FileMove, Library, VideoFile } from '../library/types.js';
import { contentHash } from './content-hash.js';
import { fileSystemError } from './scan.js';

export interface RelocateOptions {
  library: Library;
  /** Absolute: a folder, or one file. */
  from: string;
  to: string;
  /** Tells what would be done. */
  dryRun: boolean;
  onFile?: ((done: number, total: number) => void) | undefined;
}

export interface Relocation {
  moved: number;
  /** Of these, content was compared, because their times are others than they were. */
  compared: number;
  /** Where they should lie, and do not. */
  missing: string[];
  /** Where something else lies. */
  different: string[];
}

const MOVES_PER_TRANSACTION = 1000;

/**
 * Notes that what lay below `from` lies below `to` now. A file of the same size and time is taken for the same; one of
 * another time is read and compared with its hash; nothing is decoded. FILE_NOT_FOUND when `to` does not exist, USAGE when the
 * library knows nothing below `from`.
 */
export async function relocate(options: RelocateOptions): Promise<Relocation> {
  const { library, from, to, dryRun, onFile } = options;
  await stat(to).catch((error: unknown) => {
    throw fileSystemError(to, error);
  });
  const files = await filesBelow(library, from);
  if (files.length === 0)
    throw new CliptraceError('USAGE', `The library knows no file at ${from} or below it`);
  const relocation: Relocation = { moved: 0, compared: 0, missing: [], different: [] };
  let moves: FileMove[] = [];
  const flush = async () => {
    relocation.moved += dryRun ? moves.length : await library.moveFiles(moves);
    moves = [];
  };
  for (const [position, file] of files.entries()) {
    const target = path.join(to, path.relative(from, file.path));
    const move = await findMoved(library, file, target, relocation);
    if (move !== null) moves.push(move);
    if (moves.length === MOVES_PER_TRANSACTION) await flush();
    onFile?.(position + 1, files.length);
  }
  await flush();
  return relocation;
}

async function filesBelow(library: Library, root: string): Promise<VideoFile[]> {
  const files: VideoFile[] = [];
  for (const { name } of await library.listCollections()) {
    files.push(...(await library.filesBelow(name, root)).filter(({ owned }) => !owned));
  }
  return files;
}

async function findMoved(
  library: Library,
  file: VideoFile,
  target: string,
  relocation: Relocation,
): Promise<FileMove | null> {
  const info = await stat(target).catch(() => null);
  if (info === null) relocation.missing.push(target);
  else if (!info.isFile() || info.size !== file.sizeBytes) relocation.different.push(target);
  else if (info.mtimeMs === file.modifiedMs) return { file, path: target, modifiedMs: info.mtimeMs };
  else {
    relocation.compared += 1;
    const video = await library.getVideo(file.videoId);
    if ((await contentHash(target)) === video?.contentHash) {
      return { file, path: target, modifiedMs: info.mtimeMs };
    }
    relocation.different.push(target);
  }
  return null;
}
