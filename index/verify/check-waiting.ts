import { open, stat } from 'node:fs/promises';
import { errorMessageOf } from '../errors.js';
import { contentHash } from '../ingest/content-hash.js';
import type { SqliteDatabase } from '../library/database.js';
import { StoredPaths } from '../library/stored-paths.js';
import type { Library } from '../library/types.js';
import type { WatchSource } from '../library/watch-types.js';
import { checkContainer, saysNoVideo } from '../media/container-check.js';
import type { Problem, ProblemCode } from './types.js';

/** A file of the data folder that belongs to no video, and is needed all the same. */
export interface WaitingFile {
  path: string;
  /** "job 5" or "watch 3" */
  owner: string;
  /** The encoder has seen it: what does not open as a video any more was altered. */
  wasVideo: boolean;
  /** As it was; missing where that was not noted. */
  sizeBytes?: number | undefined;
  contentHash?: string | undefined;
  remedy: string;
}

/** Clips that are watched for, and uploads of jobs that are still to come. */
export async function waitingFiles(
  database: SqliteDatabase,
  library: Library,
  dataRoot: string,
): Promise<WaitingFile[]> {
  const uploads = (await library.pendingJobs()).flatMap(({ id, request }) =>
    request.type === 'upload'
      ? {
          ...{ path: request.path, owner: `job ${id}`, wasVideo: false },
          remedy: `Restore it from a backup, or run "cliptrace jobs cancel ${id}" and upload it again.`,
        }
      : [],
  );
  const clips = watchSources(database, dataRoot).flatMap(({ id, source }) =>
    source.kind === 'clip'
      ? {
          ...clipOf(source),
          owner: `watch ${id}`,
          remedy: `The watch works until the model changes. Restore the clip from a backup, or run "cliptrace watches remove ${id}" and make it anew.`,
        }
      : [],
  );
  return [...uploads, ...clips];
}

/** With `deep` also their content, where it is known. */
export async function checkWaitingFiles(
  files: readonly WaitingFile[],
  { deep }: { deep: boolean },
): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const file of files) {
    const fault = await faultOf(deep ? file : { ...file, contentHash: undefined });
    if (fault === null) continue;
    const { path, owner, remedy } = file;
    problems.push({
      code: fault.code,
      subject: path,
      detail: `${owner}: ${fault.detail}`,
      repair: null,
      remedy,
    });
  }
  return problems;
}

type Content = Pick<WaitingFile, 'path' | 'wasVideo' | 'sizeBytes' | 'contentHash'>;

function clipOf({ path, sizeBytes, contentHash }: Extract<WatchSource, { kind: 'clip' }>): Content {
  return { path, wasVideo: true, sizeBytes, contentHash };
}

async function faultOf(file: Content): Promise<{ code: ProblemCode; detail: string } | null> {
  const { path, wasVideo, sizeBytes } = file;
  try {
    const { size } = await stat(path);
    if (sizeBytes !== undefined && size !== sizeBytes)
      return { code: 'FILE_CHANGED', detail: `it has ${size} bytes, and had ${sizeBytes}` };
    await (await open(path, 'r')).close();
    if (wasVideo) await checkContainer(path);
    if (file.contentHash === undefined || (await contentHash(path)) === file.contentHash) return null;
    return { code: 'FILE_ALTERED', detail: 'its content is another, though its size is not' };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { code: 'FILE_MISSING', detail: 'it is not there' };
    if (saysNoVideo(error))
      return { code: 'FILE_CHANGED', detail: `it is no video any more: ${errorMessageOf(error)}` };
    return { code: 'FILE_UNREADABLE', detail: `it cannot be read: ${errorMessageOf(error)}` };
  }
}

/** Whether a watch can be embedded again. */
export async function sourceIsThere(source: WatchSource, library: Library): Promise<boolean> {
  if (source.kind === 'clip') return (await faultOf(clipOf(source))) === null;
  return (await library.getVideo(source.videoId))?.contentHash === source.contentHash;
}

/** Of all watches, also of those whose features are lost. */
export function watchSources(
  database: SqliteDatabase,
  dataRoot: string,
): { id: number; source: WatchSource }[] {
  const paths = new StoredPaths(dataRoot);
  const rows = database.prepare('SELECT id, source_json AS json FROM watches ORDER BY id').all() as {
    id: number;
    json: string;
  }[];
  return rows.map(({ id, json }) => {
    const source = JSON.parse(json) as WatchSource;
    return {
      id,
      source: source.kind === 'clip' ? { ...source, path: paths.fromStored(source.path) } : source,
    };
  });
}
