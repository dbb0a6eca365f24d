import type { SqliteDatabase } from '../library/database.js';
import type { Library } from '../library/types.js';
import { findSpoiltWatches } from '../library/watch-feature-checks.js';
import { sourceIsThere, watchSources } from './check-waiting.js';
import type { Problem } from './types.js';

/** What the encoder made of the clips that are watched for. */
export async function checkWatches(
  database: SqliteDatabase,
  library: Library,
  dataRoot: string,
): Promise<Problem[]> {
  const spoilt = findSpoiltWatches(database);
  if (spoilt.length === 0) return [];
  const sources = new Map(watchSources(database, dataRoot).map(({ id, source }) => [id, source]));
  const problems: Problem[] = [];
  for (const { watchId, detail } of spoilt) {
    const source = sources.get(watchId);
    const canEmbed = source !== undefined && (await sourceIsThere(source, library));
    problems.push({
      code: 'WATCH_INVALID',
      subject: `watch ${watchId}`,
      detail,
      repair: canEmbed ? { kind: 'embed-watch-again', watchId } : null,
      remedy: canEmbed
        ? ''
        : `Its clip or video is not there any more. Restore it and repair again, or run "cliptrace watches remove ${watchId}" and make it anew.`,
    });
  }
  return problems;
}
