import { lstat, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { CliptraceError } from '../index/errors.js';

/**
 * The real path of a file or folder below one of the archive roots. PATH_OUTSIDE_ARCHIVE is the one answer for
 * everything outside, whether it exists or not, so that the disk cannot be felt out; FILE_NOT_FOUND is said of
 * places inside only.
 */
export async function pathInArchive(path: string, archiveRoots: readonly string[]): Promise<string> {
  if (archiveRoots.length === 0) {
    throw new CliptraceError(
      'PATH_OUTSIDE_ARCHIVE',
      'No archive root is configured, so no folder can be indexed over HTTP. Set CLIPTRACE_ARCHIVE_ROOTS, or use `cliptrace index`.',
    );
  }
  if (!isAbsolute(path)) throw outside();
  const wanted = resolve(path);
  try {
    const real = await realpath(wanted);
    if (archiveRoots.some((root) => isWithin(root, real))) return real;
  } catch {
    // Not there, or not to be looked at: only a place inside may be told apart from one outside.
    if (await wouldLieWithin(wanted, archiveRoots)) {
      throw new CliptraceError('FILE_NOT_FOUND', `There is no ${JSON.stringify(path)}. Check the spelling.`);
    }
  }
  throw outside();
}

/** True when the nearest existing folder above a missing path lies in a root. A dangling symlink counts as outside. */
async function wouldLieWithin(path: string, archiveRoots: readonly string[]): Promise<boolean> {
  for (let place = path; ; place = dirname(place)) {
    const status = await lstat(place).catch(() => null);
    if (status !== null) {
      const real = await realpath(place).catch(() => null);
      return real !== null && archiveRoots.some((root) => isWithin(root, real));
    }
    if (dirname(place) === place) return false;
  }
}

function isWithin(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === '' || !(way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way));
}

function outside(): CliptraceError {
  return new CliptraceError(
    'PATH_OUTSIDE_ARCHIVE',
    'The path lies outside the archive roots of this server. Give an absolute path below one of CLIPTRACE_ARCHIVE_ROOTS.',
  );
}
