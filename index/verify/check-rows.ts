import type { SqliteDatabase } from '../library/database.js';
import { checkFeatures } from '../library/feature-checks.js';
import {
  findIncompleteVideos,
  findOrphanRows,
  videosWithoutFiles,
  videosWithoutSegments,
} from '../library/row-checks.js';
import type { Library } from '../library/types.js';
import type { Problem, ProblemCode } from './types.js';

const INDEX_AGAIN = 'Run "cliptrace index" on the archive.';
const EMBED_AGAIN =
  'Run "cliptrace index" on the archive: uploads of the collection are taken along. ' +
  'Where there is no archive, the next start of the server embeds them, or "cliptrace jobs run".';

/** Rows that refer to nothing, and videos whose parts do not agree. */
export async function checkRows(database: SqliteDatabase, library: Library): Promise<Problem[]> {
  const orphans = findOrphanRows(database).map<Problem>(({ table, parent, rowCount }) => ({
    code: 'ROWS_ORPHANED',
    subject: table,
    detail: `${rowCount} rows refer to rows of ${parent} that do not exist`,
    repair: { kind: 'delete-orphan-rows' },
    remedy: '',
  }));
  const incomplete = findIncompleteVideos(database).map((fault) => embedAgain('VIDEO_INCOMPLETE', fault));
  const waiting = await videosInPendingJobs(library);
  const bare = videosWithoutSegments(database)
    .filter((videoId) => !waiting.has(videoId))
    .map((videoId) => embedAgain('VIDEO_NOT_EMBEDDED', { videoId, detail: 'it has no segments' }));
  const homeless = videosWithoutFiles(database).map<Problem>((videoId) => ({
    code: 'VIDEO_WITHOUT_FILE',
    subject: `video ${videoId}`,
    detail: 'it is found, but the library knows no file of it',
    repair: null,
    remedy: `Run "cliptrace index" on the folder that holds it, or "cliptrace remove ${videoId}".`,
  }));
  return [...orphans, ...incomplete, ...bare, ...homeless];
}

/** Every feature that is stored, and which videos the current model has not embedded. */
export async function checkModelFeatures(
  database: SqliteDatabase,
  library: Library,
  modelId: string | null,
): Promise<{ problems: Problem[]; segmentCount: number }> {
  const { faults, segmentCount } = checkFeatures(database);
  const problems = faults.map((fault) => embedAgain('FEATURES_INVALID', fault));
  const outdated = modelId === null ? [] : await library.staleVideos(modelId);
  if (outdated.length > 0) {
    problems.push({
      code: 'MODEL_OUTDATED',
      subject: `${outdated.length} videos`,
      detail: `they were not embedded by the model ${modelId}, so no search finds them (videos ${listed(outdated)})`,
      repair: null,
      remedy: EMBED_AGAIN,
    });
  }
  return { problems, segmentCount };
}

function embedAgain(code: ProblemCode, fault: { videoId: number; detail: string }): Problem {
  return {
    code,
    subject: `video ${fault.videoId}`,
    detail: fault.detail,
    repair: { kind: 'embed-again', videoId: fault.videoId },
    remedy: INDEX_AGAIN,
  };
}

/** Their turn comes when the jobs go on. */
async function videosInPendingJobs(library: Library): Promise<Set<number>> {
  const waiting = new Set<number>();
  for (const { request } of await library.pendingJobs()) {
    if (request.type !== 'index' && request.type !== 'upload') continue;
    const paths = request.type === 'upload' ? [request.path] : request.paths;
    for (const path of paths) {
      const file = await library.findFile(request.collection, path);
      if (file) waiting.add(file.videoId);
    }
  }
  return waiting;
}

function listed(ids: readonly number[]): string {
  return ids.length > 10 ? `${ids.slice(0, 10).join(', ')} and ${ids.length - 10} more` : ids.join(', ');
}
