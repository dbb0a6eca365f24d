import { constants } from 'node:fs';
import { access, lstat, open, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { CliptraceError } from '../errors.js';
import type { DataFolder } from '../types.js';
import { HEAD_BYTES, parseHead } from './format.js';

/** As many links as Linux follows. */
const MAX_LINKS = 40;

/**
 * Where a backup to this path goes: to the end of the links, also when nothing is there yet. USAGE, FILE_NOT_FOUND,
 * FILE_NOT_READABLE: said before anything is copied.
 */
export async function requireTarget(file: string, dataFolder: DataFolder): Promise<string> {
  // Where links lead, or a link would lead a backup into the folder with which it would be lost.
  const [target, root] = [await followLinks(file), await realpath(dataFolder.root)];
  const below = relative(root, target);
  if (!below.startsWith(`..${sep}`) && below !== '..' && resolve(below) !== below) {
    throw new CliptraceError(
      'USAGE',
      `${file} lies in the data folder, with which it would be lost. Give a file on another disk.`,
    );
  }
  await access(dirname(target), constants.W_OK);
  if (await isReplaceable(target)) return target;
  throw new CliptraceError('USAGE', `${file} exists and is no backup of Cliptrace. Give another name.`);
}

async function followLinks(file: string): Promise<string> {
  let target = file;
  for (let links = 0; links <= MAX_LINKS; links += 1) {
    target = join(await realpath(dirname(target)), basename(target));
    const isLink = await lstat(target).then((stats) => stats.isSymbolicLink(), orIfMissing(false));
    if (!isLink) return target;
    target = resolve(dirname(target), await readlink(target));
  }
  throw new CliptraceError('USAGE', `${file} is a link that leads back to itself. Give another name.`);
}

/** Nothing is there, or an older backup. Of other things than files nothing is read: a pipe would not end. */
async function isReplaceable(file: string): Promise<boolean> {
  const stats = await lstat(file).catch(orIfMissing(null));
  if (stats === null) return true;
  if (!stats.isFile()) return false;
  const existing = await open(file, constants.O_RDONLY);
  try {
    const start = Buffer.alloc(HEAD_BYTES);
    await existing.read(start, 0, HEAD_BYTES, 0);
    return parseHead(start) !== null;
  } finally {
    await existing.close();
  }
}

function orIfMissing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
}
