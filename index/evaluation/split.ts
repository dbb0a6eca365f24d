import type { Video } from '../library/types.js';
import { type CsvRow, parseCsv, withoutHeader } from './csv.js';
import type { Problems } from './problems.js';
import type { VideoFinder } from './video-finder.js';

export type Side = 'query' | 'gallery';

/** What the literature and people call the two sides. */
const SIDES: Readonly<Record<string, Side>> = {
  query: 'query',
  queries: 'query',
  test: 'query',
  gallery: 'gallery',
  train: 'gallery',
  index: 'gallery',
};
const HEADERS = ['split', 'side', 'set'];

/** Which side each video of the CSV stands on. What cannot be used is told to `problems`. USAGE when it is no CSV. */
export function readSplit(text: string, finder: VideoFinder, problems: Problems): Map<number, Side> {
  const sides = new Map<number, Side>();
  for (const row of withoutHeader(parseCsv(text, 'The split'), HEADERS)) {
    const found = readRow(row, finder, problems);
    if (!found) continue;
    const earlier = sides.get(found.video.id);
    if (earlier === undefined) sides.set(found.video.id, found.side);
    else if (earlier !== found.side) {
      problems.add(
        'SPLIT_CONFLICT',
        'The CSV puts a video on both sides: the first line counts',
        `line ${row.line}: ${row.cells.join(',')}`,
      );
    }
  }
  return sides;
}

function readRow(
  { line, cells }: CsvRow,
  finder: VideoFinder,
  problems: Problems,
): { video: Video; side: Side } | null {
  const [reference, split] = cells;
  const where = `line ${line}: ${cells.join(',')}`;
  if (!reference || !split || cells.length > 2) {
    problems.add('CSV_ROW_INVALID', 'A line of the CSV is not "video,split"', where);
    return null;
  }
  const side = SIDES[split.toLowerCase()];
  if (!side) {
    const known = Object.keys(SIDES).join(', ');
    problems.add('SPLIT_UNKNOWN', `A split is none of ${known}: the line takes no part`, where);
    return null;
  }
  const finding = finder.find(reference);
  if (finding.video) return { video: finding.video, side };
  const which = finding.videoIds.length > 0 ? ` (videos ${finding.videoIds.join(', ')})` : '';
  problems.add(finding.code, finding.message, where + which);
  return null;
}
