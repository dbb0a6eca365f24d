import path from 'node:path';
import { CliptraceError } from '../errors.js';
import { type MetaCondition, parseMetaCondition } from '../library/video-filter.js';
import type { SearchAnswer, SearchQuery } from '../search/types.js';
import { type CommandContext, type CommonFlags, parseNumber, withCliptrace } from './context.js';
import { EXIT_DONE } from './exit-codes.js';
import { collectionsNamed } from './known-collection.js';
import { formatRange, formatTable, printJson, type Terminal } from './output.js';

export interface SearchFlags extends CommonFlags {
  k?: string;
  collection?: string;
  label?: string;
  start?: string;
  end?: string;
  perVideo?: string;
  explain?: boolean;
  minScore?: string;
  collapse?: boolean;
  meta?: string[];
}

/** `cliptrace search CLIP` */
export async function searchCommand(
  clip: string,
  flags: SearchFlags,
  context: CommandContext,
): Promise<number> {
  const k = parseNumber(flags.k, '-k', { min: 1, max: 200, integer: true }) ?? 10;
  const perVideo = parseNumber(flags.perVideo, '--per-video', { min: 1, max: 50, integer: true });
  const query: SearchQuery = {
    kind: 'file',
    filePath: path.resolve(clip),
    startSeconds: parseNumber(flags.start, '--start', { min: 0, max: Number.POSITIVE_INFINITY }),
    endSeconds: parseNumber(flags.end, '--end', { min: 0, max: Number.POSITIVE_INFINITY }),
  };
  const answer = await withCliptrace(context, flags, 'read', async (cliptrace) => {
    await collectionsNamed(cliptrace.library, flags.collection);
    return cliptrace.searcher.search({
      query,
      k,
      perVideo,
      collection: flags.collection,
      label: flags.label,
      explain: flags.explain,
      collapse: flags.collapse ? 'duplicates' : undefined,
      meta: flags.meta?.map(metaOf),
      minScore: parseNumber(flags.minScore, '--min-score', { min: 0, max: 1 }),
    });
  });
  if (flags.json) printJson(context.terminal, answer);
  else printAnswer(context.terminal, answer);
  return EXIT_DONE;
}

/** `--meta KEY=VALUE`, `KEY=A,B` or `KEY=FROM..TO` */
function metaOf(text: string): MetaCondition {
  const [key, value] = [text.slice(0, Math.max(0, text.indexOf('='))), text.slice(text.indexOf('=') + 1)];
  if (key === '' || value === '') {
    throw new CliptraceError('USAGE', `--meta is "${text}": it must be KEY=VALUE, KEY=A,B or KEY=FROM..TO`);
  }
  return parseMetaCondition(key, value);
}

export function printAnswer(terminal: Terminal, { hits, timings, warnings }: SearchAnswer): void {
  for (const { message } of warnings) terminal.err(`Warning: ${message}`);
  if (hits.length === 0) {
    terminal.out(
      'No hits: of the videos that may be hits the library holds none, or none with anything like the clip. "cliptrace videos" lists them.',
    );
    return;
  }
  terminal.out(
    formatTable(
      [
        '#',
        'Score',
        'Verdict',
        'ID',
        'Title',
        'Label',
        'In the video',
        'In the query',
        'Speed',
        'Mirrored',
        'Boilerplate',
      ],
      hits.map((hit, i) => [
        i + 1,
        hit.score.toFixed(3),
        hit.verdict,
        hit.video.id,
        hit.video.title,
        hit.video.label ?? '-',
        formatRange(hit.startSeconds, hit.endSeconds),
        formatRange(hit.queryStartSeconds, hit.queryEndSeconds),
        hit.speed.toFixed(2),
        hit.mirrored ? 'yes' : 'no',
        `${Math.round(100 * hit.boilerplate)} %`,
      ]),
    ),
  );
  const { decodeMs, encodeMs, searchMs, totalMs } = timings;
  terminal.out(
    `\n${Math.round(totalMs)} ms: decode ${Math.round(decodeMs)}, encode ${Math.round(encodeMs)}, search ${Math.round(searchMs)}`,
  );
}
