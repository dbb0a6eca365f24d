import { CliptraceError } from '../errors.js';
import { openDataFolder } from '../library/data-folder.js';
import { openLibrary } from '../library/sqlite-library.js';
import {
  type CommandContext,
  type CommonFlags,
  parseId,
  parseNumber,
  settingsOf,
  withCliptrace,
  withLibrary,
} from './context.js';
import { EXIT_DONE, EXIT_FAILED } from './exit-codes.js';
import { finishCompaction } from './finish-compaction.js';
import { collectionsNamed } from './known-collection.js';
import { formatTable, plural, printable, printJson, VIDEO_HEADERS, videoRow } from './output.js';

/** Half a minute: who removes a video does not expect to wait for more. `index` and a server do it, however large the library is. */
const MAX_COMPACTED_SEGMENTS = 20_000;

export interface VideosFlags extends CommonFlags {
  collection?: string;
  label?: string;
  query?: string;
  limit?: string;
  cursor?: string;
}

/** `cliptrace videos` */
export async function videosCommand(flags: VideosFlags, context: CommandContext): Promise<number> {
  const limit = parseNumber(flags.limit, '--limit', { min: 1, max: 1000, integer: true }) ?? 100;
  const page = await withLibrary(context, flags, async (library) => {
    await collectionsNamed(library, flags.collection);
    return library.listVideos({
      collection: flags.collection,
      label: flags.label,
      q: flags.query,
      limit,
      cursor: flags.cursor,
    });
  });
  const { terminal } = context;
  if (flags.json) printJson(terminal, page);
  else {
    terminal.out(formatTable(VIDEO_HEADERS, page.videos.map(videoRow)));
    terminal.out(`\n${page.videos.length} of ${plural(page.totalCount, 'video')}`);
    if (page.nextCursor) terminal.out(`Next page: --cursor ${page.nextCursor}`);
  }
  return EXIT_DONE;
}

/** `cliptrace show ID` */
export async function showCommand(
  idText: string,
  flags: CommonFlags,
  context: CommandContext,
): Promise<number> {
  const id = parseId(idText, 'video');
  const { video, files } = await withLibrary(context, flags, async (library) => {
    const found = await library.getVideo(id);
    if (!found)
      throw new CliptraceError('VIDEO_NOT_FOUND', `There is no video ${id}: \`cliptrace videos\` lists them`);
    return { video: found, files: await library.filesOf(id) };
  });
  const { terminal } = context;
  if (flags.json) printJson(terminal, { ...video, files: files.map(({ path, owned }) => ({ path, owned })) });
  else {
    for (const [name, value] of Object.entries(video))
      terminal.out(`${name.padEnd(16)} ${printable(value ?? '-')}`);
    for (const file of files) terminal.out(`${'file'.padEnd(16)} ${printable(file.path)}`);
  }
  return EXIT_DONE;
}

/** `cliptrace remove ID...`: all that exist are removed, unknown ids are told. */
export async function removeCommand(
  idTexts: readonly string[],
  flags: CommonFlags,
  context: CommandContext,
): Promise<number> {
  const ids = idTexts.map((text) => parseId(text, 'video'));
  const removed: number[] = [];
  const unknown: number[] = [];
  await withCliptrace(context, flags, 'write', async (cliptrace) => {
    for (const id of ids) ((await cliptrace.removeVideo(id)) ? removed : unknown).push(id);
    await finishCompaction(cliptrace, MAX_COMPACTED_SEGMENTS, context.terminal);
  });
  const { terminal } = context;
  if (flags.json) printJson(terminal, { removed, unknown });
  else {
    for (const id of removed) terminal.out(`Removed video ${id}`);
    for (const id of unknown)
      terminal.err(`VIDEO_NOT_FOUND: There is no video ${id}: \`cliptrace videos\` lists them`);
  }
  return unknown.length > 0 ? EXIT_FAILED : EXIT_DONE;
}

/** `cliptrace migrate`: opening for writing is what migrates. */
export async function migrateCommand(flags: CommonFlags, context: CommandContext): Promise<number> {
  const settings = settingsOf(context, flags);
  const dataFolder = await openDataFolder(settings.dataRoot, { create: true });
  await (await openLibrary({ dataFolder, mode: 'write' })).close();
  if (flags.json) printJson(context.terminal, { dataFolder: dataFolder.root, migrated: true });
  else context.terminal.out(`The library in ${dataFolder.root} is up to date`);
  return EXIT_DONE;
}
