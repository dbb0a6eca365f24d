import { stat } from 'node:fs/promises';
import path from 'node:path';
import { CliptraceError } from '../errors.js';
import { placeOf } from '../library/file-moves.js';
import type { FileMove, Library, VideoFile } from '../library/types.js';
import { deviceOf } from './absence.js';
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
  /** Files whose content was compared, because their times are others than they were or their place was another's. */
  compared: number;
  /** Where they should lie, and do not. */
  missing: string[];
  /** Where something else lies. */
  different: string[];
  /** Which the library has for another video, whose file does not lie where this one was. */
  taken: string[];
}

/**
 * Notes that what lay below `from` lies below `to` now. A file of the same size and time is taken for the same; one of
 * another time, or at a place that the library has for another video, is read and compared with its hash; nothing is decoded. Of two
 * files that have changed places, both are noted. FILE_NOT_FOUND when `to` does not exist, USAGE when the library knows nothing
 * below `from`.
 */
export async function relocate(options: RelocateOptions): Promise<Relocation> {
  const { library, from, to, dryRun, onFile } = options;
  await stat(to).catch((error: unknown) => {
    throw fileSystemError(to, error);
  });
  const files = await filesBelow(library, from);
  if (files.length === 0)
    throw new CliptraceError('USAGE', `The library knows no file at ${from} or below it`);
  const relocation: Relocation = { moved: 0, compared: 0, missing: [], different: [], taken: [] };
  const moves: FileMove[] = [];
  const contested: { move: FileMove; there: VideoFile }[] = [];
  for (const [position, file] of files.entries()) {
    const target = path.join(to, path.relative(from, file.path));
    const there = await otherVideoAt(library, file, target);
    const found = await lookFor(library, file, target, { byContent: there !== null });
    if (found.compared) relocation.compared += 1;
    if (found.move === null) relocation[found.isThere ? 'different' : 'missing'].push(target);
    else {
      moves.push(found.move);
      if (there !== null) contested.push({ move: found.move, there });
    }
    onFile?.(position + 1, files.length);
  }
  moves.push(...(await exchanges(library, moves, contested, relocation)));
  // All in one transaction: a place may be free only because of another move.
  const { moved, taken } = await library.moveFiles(moves, { dryRun });
  relocation.moved = moved;
  relocation.taken = taken.map((move) => move.path);
  return relocation;
}

async function filesBelow(library: Library, root: string): Promise<VideoFile[]> {
  const files: VideoFile[] = [];
  for (const { name } of await library.listCollections()) {
    files.push(...(await library.filesBelow(name, root)).filter(({ owned }) => !owned));
  }
  return files;
}

/** The file of another video that the library has at a place. */
async function otherVideoAt(library: Library, file: VideoFile, target: string): Promise<VideoFile | null> {
  const there = await library.findFile(file.collection, target);
  return there !== null && there.videoId !== file.videoId ? there : null;
}

/** The counterparts of moves: files that stood in their way and lie where those came from. */
async function exchanges(
  library: Library,
  moves: readonly FileMove[],
  contested: readonly { move: FileMove; there: VideoFile }[],
  relocation: Relocation,
): Promise<FileMove[]> {
  const leaving = new Set(moves.map(({ file }) => placeOf(file)));
  const found: FileMove[] = [];
  for (const { move, there } of contested) {
    if (there.owned || leaving.has(placeOf(there))) continue;
    const counterpart = await lookFor(library, there, move.file.path, { byContent: true });
    if (counterpart.compared) relocation.compared += 1;
    if (counterpart.move !== null) found.push(counterpart.move);
  }
  return found;
}

interface Found {
  /** Null when the file is not at the place. */
  move: FileMove | null;
  /** Whether anything is. */
  isThere: boolean;
  /** Its content was read. */
  compared: boolean;
}

async function lookFor(
  library: Library,
  file: VideoFile,
  target: string,
  { byContent }: { byContent: boolean },
): Promise<Found> {
  const info = await stat(target).catch(() => null);
  if (!info?.isFile() || info.size !== file.sizeBytes) {
    return { move: null, isThere: info !== null, compared: false };
  }
  const move = { file, path: target, modifiedMs: info.mtimeMs, device: await deviceOf(target, info) };
  if (!byContent && info.mtimeMs === file.modifiedMs) return { move, isThere: true, compared: false };
  const video = await library.getVideo(file.videoId);
  const isSame = (await contentHash(target)) === video?.contentHash;
  return { move: isSame ? move : null, isThere: true, compared: true };
}
