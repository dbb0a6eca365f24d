import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Video } from '../library/types.js';
import type { Span } from '../span.js';
import { type CsvRow, parseCsv, withoutHeader } from './csv.js';
import type { Problems } from './problems.js';
import type { PairsRequest } from './types.js';
import type { VideoFinder } from './video-finder.js';

export interface Pair {
  line: number;
  /** As the CSV names it. */
  name: string;
  query: { kind: 'video'; video: Video } | { kind: 'file'; filePath: string };
  target: Video;
  expected: Span | null;
}

const HEADERS = ['query', 'target'];

/** The pairs of the CSV. What cannot be used is told to `problems`. USAGE when it is no CSV. */
export async function readPairs(
  request: Pick<PairsRequest, 'pairsCsv' | 'baseFolder' | 'queryRoots'>,
  finder: VideoFinder,
  problems: Problems,
): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (const row of withoutHeader(parseCsv(request.pairsCsv, 'The list of pairs'), HEADERS)) {
    const pair = await readRow(row, request, finder, problems);
    if (pair) pairs.push(pair);
  }
  return pairs;
}

async function readRow(
  { line, cells }: CsvRow,
  request: Pick<PairsRequest, 'baseFolder' | 'queryRoots'>,
  finder: VideoFinder,
  problems: Problems,
): Promise<Pair | null> {
  const where = `line ${line}: ${cells.join(',')}`;
  const [name, targetName, start, end] = cells;
  if (!name || !targetName || (cells.length !== 2 && cells.length !== 4)) {
    problems.add(
      'CSV_ROW_INVALID',
      'A line of the CSV is not "query,target" or "query,target,start,end"',
      where,
    );
    return null;
  }
  const target = finder.find(targetName);
  if (target.video === null) {
    const which = target.videoIds.length > 0 ? ` (videos ${target.videoIds.join(', ')})` : '';
    problems.add(target.code, target.message, where + which);
    return null;
  }
  const expected = readRange(start, end, target.video);
  if (expected === 'invalid') {
    problems.add(
      'RANGE_NOT_IN_VIDEO',
      'Start and end of a line are no range of seconds inside the target: the line counts for recall only',
      where,
    );
  }
  const query = await findQuery(name, request, finder);
  if (query === null) {
    problems.add(
      'QUERY_NOT_FOUND',
      'A query is neither a video of the library nor a file that can be read here',
      where,
    );
    return null;
  }
  return { line, name, query, target: target.video, expected: expected === 'invalid' ? null : expected };
}

/** Null when the line gives none. */
function readRange(
  start: string | undefined,
  end: string | undefined,
  target: Video,
): Span | null | 'invalid' {
  if (!start && !end) return null;
  const span = {
    startSeconds: start ? Number(start) : Number.NaN,
    endSeconds: end ? Number(end) : Number.NaN,
  };
  // Ends are often rounded up.
  const fits =
    span.startSeconds >= 0 &&
    span.endSeconds > span.startSeconds &&
    span.endSeconds <= target.durationSeconds + 1;
  return fits ? span : 'invalid';
}

async function findQuery(
  name: string,
  { baseFolder, queryRoots }: Pick<PairsRequest, 'baseFolder' | 'queryRoots'>,
  finder: VideoFinder,
): Promise<Pair['query'] | null> {
  const finding = finder.find(name);
  if (finding.video) return { kind: 'video', video: finding.video };
  if (!path.isAbsolute(name) && baseFolder === null) return null;
  try {
    // Symlinks count as where they lead.
    const filePath = await realpath(path.resolve(baseFolder ?? '/', name));
    if (queryRoots?.every((root) => !isBelow(root, filePath))) return null;
    return (await stat(filePath)).isFile() ? { kind: 'file', filePath } : null;
  } catch {
    return null;
  }
}

function isBelow(root: string, filePath: string): boolean {
  const below = path.relative(root, filePath);
  return below !== '' && below !== '..' && !below.startsWith(`..${path.sep}`) && !path.isAbsolute(below);
}
