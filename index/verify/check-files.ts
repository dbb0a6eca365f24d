import { stat } from 'node:fs/promises';
import { contentHash } from '../ingest/content-hash.js';
import type { SqliteDatabase } from '../library/database.js';
import { StoredPaths } from '../library/stored-paths.js';
import type { Problem, ProblemCode } from './types.js';

export interface ExpectedFile {
  path: string;
  videoId: number;
  sizeBytes: number;
  modifiedMs: number;
  contentHash: string;
  owned: boolean;
}

/** Every file that the library knows. */
export function expectedFiles(database: SqliteDatabase, dataRoot: string): ExpectedFile[] {
  const paths = new StoredPaths(dataRoot);
  const rows = database
    .prepare(
      `SELECT f.path, f.video_id AS videoId, f.size_bytes AS sizeBytes, f.modified_ms AS modifiedMs, f.owned,
         v.content_hash AS contentHash FROM files f JOIN videos v ON v.id = f.video_id ORDER BY f.path`,
    )
    .all() as (Omit<ExpectedFile, 'owned'> & { owned: number })[];
  return rows.map((row) => ({ ...row, path: paths.fromStored(row.path), owned: row.owned === 1 }));
}

/** Existence, size and time of each; with `deep` the content, too, and then the time alone is no problem. */
export async function checkFiles(
  files: readonly ExpectedFile[],
  options: { deep: boolean },
): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const file of files) {
    const problem = await checkFile(file, options.deep);
    if (problem !== null) problems.push(problem);
  }
  return problems;
}

async function checkFile(file: ExpectedFile, deep: boolean): Promise<Problem | null> {
  try {
    const { size, mtimeMs } = await stat(file.path);
    if (size !== file.sizeBytes) {
      return told(
        file,
        'FILE_CHANGED',
        `it has ${size} bytes, and had ${file.sizeBytes} when it was indexed`,
      );
    }
    // Nobody but the product writes to the data folder, and copying it changes times.
    const sameTime = file.owned || mtimeMs === file.modifiedMs;
    if (deep) {
      if ((await contentHash(file.path)) === file.contentHash) return null;
      return sameTime
        ? told(
            file,
            'FILE_ALTERED',
            'its content is another, though its size and time are not: the disk may be failing',
          )
        : told(file, 'FILE_CHANGED', 'its content is another than when it was indexed');
    }
    if (sameTime) return null;
    return told(
      file,
      'FILE_CHANGED',
      `it was written ${new Date(mtimeMs).toISOString()}, after it was indexed (--deep compares the content)`,
    );
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return told(file, 'FILE_MISSING', 'it is not there');
    return told(file, 'FILE_UNREADABLE', `it cannot be read: ${(error as Error).message}`);
  }
}

function told(file: ExpectedFile, code: ProblemCode, detail: string): Problem {
  const where = `video ${file.videoId}`;
  return {
    code,
    subject: file.path,
    detail: `${where}: ${detail}`,
    repair: null,
    remedy: remedyOf(file, code),
  };
}

function remedyOf({ owned, videoId }: ExpectedFile, code: ProblemCode): string {
  if (code === 'FILE_UNREADABLE') return 'Check its permissions and its disk.';
  if (owned) return `Restore it from a backup, or run "cliptrace remove ${videoId}" and upload it again.`;
  if (code === 'FILE_MISSING') {
    return 'Mount its disk; run "cliptrace relocate" or "cliptrace index" where it lies now; or "cliptrace index --prune".';
  }
  if (code === 'FILE_ALTERED') return 'Restore it from a copy.';
  return 'Run "cliptrace index" on the archive.';
}
