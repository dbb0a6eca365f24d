import { basename, join } from 'node:path';
import { CliptraceError } from '../errors.js';
import { findOrphanUploads } from '../ingest/orphan-uploads.js';
import { ownFilesIn, SNAPSHOT_NAME, temporaryLeftovers } from '../library/own-files.js';
import type { Library } from '../library/types.js';
import { THUMBNAIL_NAME } from '../thumbnails.js';
import type { DataFolder } from '../types.js';
import { SnapshotStore } from '../vectors/snapshot.js';
import type { Problem } from './types.js';

const HALF_THUMBNAIL = /^\d+-[0-9a-f]{16}(\.strip|-\d+\.jpg\.[0-9a-f]{12})\.part$/;

/**
 * Files that belong to nothing: what a killed process left. Only while nobody writes, to whom they could belong.
 */
export async function checkStrays(
  dataFolder: DataFolder,
  library: Library,
  modelIds: readonly string[],
): Promise<Problem[]> {
  const { temporaryFolder, mediaFolder, thumbnailsFolder, vectorsFolder } = dataFolder;
  const temporary = await unlessUnreadable(() => temporaryLeftovers(temporaryFolder));
  const uploads = await unlessUnreadable(() => findOrphanUploads(mediaFolder, library));
  return [
    ...temporary.map((path) => stray(path, 'a temporary file of a process that has ended')),
    ...uploads.map((path) => stray(path, 'an upload of no video and no job')),
    ...(await strayThumbnails(thumbnailsFolder, library)),
    ...(await straySnapshots(vectorsFolder, modelIds)),
  ];
}

async function strayThumbnails(folder: string, library: Library): Promise<Problem[]> {
  const names = await namesIn(folder);
  const ids = names.flatMap((name) => Number(THUMBNAIL_NAME.exec(name)?.groups?.videoId ?? []));
  const videos = await library.findVideos([...new Set(ids)]);
  return names.flatMap((name) => {
    const path = join(folder, name);
    if (HALF_THUMBNAIL.test(name)) return [stray(path, 'a picture that was never finished')];
    const parts = THUMBNAIL_NAME.exec(name)?.groups;
    if (!parts) return [];
    const hash = videos.get(Number(parts.videoId))?.contentHash;
    return hash?.startsWith(parts.content as string) ? [] : [stray(path, 'a picture of no video')];
  });
}

async function straySnapshots(folder: string, modelIds: readonly string[]): Promise<Problem[]> {
  const names = await namesIn(folder);
  const known = new Set<string>();
  const problems: Problem[] = [];
  for (const modelId of modelIds) {
    const { own, stray: left } = await new SnapshotStore(folder, modelId).inspect(names);
    for (const name of own) known.add(name);
    problems.push(...left.map((name) => stray(join(folder, name), 'an index file that no snapshot names')));
  }
  const unknown = names.filter((name) => !known.has(name) && SNAPSHOT_NAME.test(name));
  return [
    ...problems,
    ...unknown.map((name) => stray(join(folder, name), 'an index of a model that the library does not know')),
  ];
}

function stray(path: string, detail: string): Problem {
  return {
    code: 'STRAY_FILE',
    subject: path,
    detail,
    repair: { kind: 'delete-file', path },
    remedy: '',
  };
}

/** Of plain files: a link or a folder is none that the product made there. */
async function namesIn(folder: string): Promise<string[]> {
  const files = await unlessUnreadable(() => ownFilesIn(folder, /./));
  return files.map((file) => basename(file));
}

/** A folder that cannot be read is told by checkFolders. */
async function unlessUnreadable(list: () => Promise<string[]>): Promise<string[]> {
  try {
    return await list();
  } catch (error) {
    if (error instanceof CliptraceError) throw error;
    return [];
  }
}
