import { type Dirent, lstatSync, readdirSync } from 'node:fs';
import { lstat, readdir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Names under which the product keeps files in a data folder. Whatever else lies there belongs to somebody else: a data folder
 * may be the folder of a user who has a `media` and a `tmp` already, or may lead to an archive.
 */

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';

/** Of an upload or a watched clip: a random UUID, without an extension. */
export const UPLOAD_NAME = new RegExp(`^${UUID}$`);

/** Of a vector index: half or whole, with the model in its name. */
export const SNAPSHOT_NAME = /^[A-Za-z0-9_-]+~[0-9a-f]{8}\.(json|json\.tmp|\d+-[0-9a-f]{8}\.hnsw(\.tmp)?)$/;

/** Of pictures of a video: half or whole. */
const PICTURE_NAME = /^\d+-[0-9a-f]{16}(\.strip|-\d+\.jpg(\.[0-9a-f]{12})?)(\.part)?$/;

const LASTING_NAMES = { media: UPLOAD_NAME, thumbnails: PICTURE_NAME, vectors: SNAPSHOT_NAME };

const PREFIX = 'cliptrace-';

type TemporaryKind = 'calibration' | 'edits' | 'pictures' | 'upload';

/** The beginning of the name of a temporary file or folder. */
export function temporaryPrefix(kind: TemporaryKind): string {
  return `${PREFIX}${kind}-`;
}

/** The one file in a temporary folder of edits. */
export const EDITED_CLIP = 'query.mp4';

/** In the temporary folder: what a restore unpacks before it is certain. */
export const RESTORE_STAGING = 'cliptrace-restore';

// Without the prefix: the names of before it was introduced, as far as nobody else would choose them.
const TEMPORARY_FILE = /^(?:cliptrace-calibration-\d+\.mkv|(?:cliptrace-)?pictures-[0-9a-f]{16})$/;

/** Folders by their names, with the paths of the files in them. */
const TEMPORARY_FOLDERS: readonly { name: RegExp; file: RegExp }[] = [
  { name: /^(?:cliptrace-)?upload-[A-Za-z0-9]{6}$/, file: UPLOAD_NAME },
  { name: /^cliptrace-edits-[A-Za-z0-9]{6}$/, file: /^query\.mp4$/ },
  {
    name: /^cliptrace-restore$/,
    file: /^(?:library\.sqlite(?:-wal|-shm|-journal)?|restored-files\.json|(?:media|thumbnails|vectors)\/[A-Za-z0-9._~-]+)$/,
  },
];

/**
 * What an interrupted run left in a temporary folder, in the order in which it can be deleted: files, and the folders of our
 * names that hold nothing else.
 */
export async function temporaryLeftovers(temporaryFolder: string): Promise<string[]> {
  const leftovers: string[] = [];
  for (const entry of await entriesIn(temporaryFolder)) {
    const path = join(temporaryFolder, entry.name);
    if (entry.isFile() && TEMPORARY_FILE.test(entry.name)) leftovers.push(path);
    const kind = entry.isDirectory() && TEMPORARY_FOLDERS.find(({ name }) => name.test(entry.name));
    if (!kind) continue;
    const own = await ownBelow(path, '', kind.file);
    // An empty folder is ours only by its prefix.
    if (own.length > 1 || entry.name.startsWith(PREFIX)) leftovers.push(...own);
  }
  return leftovers;
}

/** Files below a folder whose path from there matches, then the folders that hold nothing else. */
async function ownBelow(folder: string, below: string, file: RegExp): Promise<string[]> {
  const own: string[] = [];
  let isWhole = true;
  for (const entry of await entriesIn(folder)) {
    const path = join(folder, entry.name);
    if (entry.isFile() && file.test(below + entry.name)) own.push(path);
    else if (entry.isDirectory() && below === '' && file.test(`${entry.name}/x`)) {
      const nested = await ownBelow(path, `${entry.name}/`, file);
      own.push(...nested);
      isWhole &&= nested.at(-1) === path;
    } else isWhole = false;
  }
  return isWhole ? [...own, folder] : own;
}

/** Plain files of a folder with names of that kind. */
export async function ownFilesIn(folder: string, name: RegExp): Promise<string[]> {
  const entries = await entriesIn(folder);
  return entries
    .filter((entry) => entry.isFile() && name.test(entry.name))
    .map((entry) => join(folder, entry.name));
}

/** Names of what the product has made in one of its folders that outlast a run. */
export function lastingNamesIn(folder: string, kind: keyof typeof LASTING_NAMES): string[] {
  if (lstatSync(folder).isSymbolicLink()) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && LASTING_NAMES[kind].test(entry.name))
    .map((entry) => entry.name);
}

/** Deletes a plain file or an empty folder, and nothing else, whatever may have taken its place. */
export async function deleteOwn(path: string): Promise<void> {
  try {
    const info = await lstat(path);
    if (info.isFile()) await unlink(path);
    else if (info.isDirectory()) await rmdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

/** None where the folder is a link: what it leads to may be an archive, or the folder of another library. */
async function entriesIn(folder: string): Promise<Dirent[]> {
  if ((await lstat(folder)).isSymbolicLink()) return [];
  return readdir(folder, { withFileTypes: true });
}
