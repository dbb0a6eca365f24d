import { stat } from 'node:fs/promises';
import path from 'node:path';
import { CliptraceError } from '../errors.js';
import { UPLOAD_NAME } from '../library/own-files.js';
import type { Library } from '../library/types.js';
import type { ScanFailure, ScannedFile } from './scan.js';

/** A file to be indexed; the library's own uploads stay such, whatever way a scan came upon them. */
export interface FoundFile extends ScannedFile {
  /** It goes with its video. */
  owned: boolean;
}

/**
 * Tells the library's own uploads from files of the archive, also where a link or a mount leads a scan to the media folder: they are
 * known by the one path that the library has of them. Those of another collection, and those that no video has yet, are passed over.
 */
export async function recogniseUploads(
  files: readonly ScannedFile[],
  collection: string,
  { library, mediaFolder }: { library: Pick<Library, 'findFile'>; mediaFolder: string },
): Promise<{ files: FoundFile[]; skipped: ScanFailure[] }> {
  const isMedia = folderComparison(mediaFolder);
  const found = new Map<string, FoundFile>();
  const skipped: ScanFailure[] = [];
  for (const file of files) {
    const name = path.basename(file.path);
    if (!UPLOAD_NAME.test(name) || !(await isMedia(path.dirname(file.path)))) {
      found.set(file.path, { ...file, owned: false });
      continue;
    }
    const own = path.join(mediaFolder, name);
    const known = await library.findFile(collection, own);
    if (known)
      found.set(own, { ...file, path: own, owned: known.owned, device: known.owned ? null : file.device });
    else skipped.push({ path: file.path, error: notOfCollection(file.path, collection) });
  }
  return { files: [...found.values()], skipped };
}

function notOfCollection(file: string, collection: string): CliptraceError {
  return new CliptraceError(
    'FILE_NOT_READABLE',
    `${file} is an upload, and of no video of the collection ${collection}`,
  );
}

/** Whether a folder is this one, by whatever path: asked once of each. */
function folderComparison(folder: string): (other: string) => Promise<boolean> {
  const known = new Map<string, Promise<boolean>>();
  const wanted = identityOf(folder);
  return (other) => {
    const same = known.get(other) ?? sameIdentity(wanted, identityOf(other));
    known.set(other, same);
    return same;
  };
}

async function sameIdentity(one: Promise<string | null>, other: Promise<string | null>): Promise<boolean> {
  const identity = await one;
  return identity !== null && identity === (await other);
}

async function identityOf(folder: string): Promise<string | null> {
  try {
    const { dev, ino } = await stat(folder, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}
