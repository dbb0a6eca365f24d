import { basename, dirname } from 'node:path';
import type { DataFolder } from '../../index/types.js';
import type { Redaction } from './problem.js';
import type { Upload } from './upload.js';

/** Replaces a received file's path by the name that its sender knows it by. */
export function redactUpload(file: Upload): Redaction {
  const name = file.clientName ?? 'the upload';
  const id = basename(file.path);
  return (message) => message.replaceAll(file.path, name).replaceAll(id, name);
}

/** Replaces whatever path of the data folder is left. */
export function redactDataFolder(folder: DataFolder): Redaction {
  const paths = [folder.root, folder.temporaryFolder, folder.mediaFolder, folder.thumbnailsFolder]
    .map((path) => path.replace(/[\\/]+$/, ''))
    // The longer one first: the folders lie in one another.
    .sort((a, b) => b.length - a.length)
    .filter((path) => dirname(path) !== path);
  const patterns = paths.map((path) => new RegExp(`${literal(path)}(?:[\\\\/][^\\s'":,;)]*)?`, 'g'));
  return (message) => patterns.reduce((text, pattern) => text.replace(pattern, 'the data folder'), message);
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
