import { readManifest } from '../encoder/manifest.js';
import { manifestPathOf } from '../encoder/model-store.js';
import { errorCodeOf } from '../errors.js';
import { openDataFolder } from '../library/data-folder.js';
import { openLibrary } from '../library/sqlite-library.js';
import { type ListedBoilerplate, listBoilerplate } from '../search/boilerplate/list-boilerplate.js';
import {
  type CommandContext,
  type CommonFlags,
  parseNumber,
  settingsOf,
  withCliptrace,
  withLibrary,
} from './context.js';
import { EXIT_DONE } from './exit-codes.js';
import { collectionsNamed } from './known-collection.js';
import { formatRange, formatTable, plural, printable, printJson, type Terminal } from './output.js';
import { runJob } from './run-job.js';

export interface BoilerplateFlags extends CommonFlags {
  collection?: string;
  limit?: string;
  refresh?: boolean;
}

const PLACES = 20;

/** `cliptrace boilerplate` */
export async function boilerplateCommand(flags: BoilerplateFlags, context: CommandContext): Promise<number> {
  const groups = parseNumber(flags.limit, '--limit', { min: 1, max: 1000, integer: true }) ?? 50;
  const { terminal } = context;
  if (flags.refresh) await refresh(flags, context);
  const listed = await withLibrary(context, flags, async (library) => {
    const names = await collectionsNamed(library, flags.collection);
    const { modelFolder, precision } = settingsOf(context, flags);
    const { manifest } = await readManifest(manifestPathOf(modelFolder), precision);
    return listBoilerplate({ library, modelId: manifest.id }, names, { groups, places: PLACES });
  });
  if (flags.json) printJson(terminal, { collections: listed });
  else for (const collection of listed) print(terminal, collection);
  if (listed.length === 0 && !flags.json) {
    terminal.out('No collection has been looked through yet: --refresh does it now');
  }
  return EXIT_DONE;
}

/** Here; where a server holds the data folder, the job is queued for that. */
async function refresh(flags: BoilerplateFlags, context: CommandContext): Promise<void> {
  try {
    await withCliptrace(context, flags, 'write', async (cliptrace) => {
      for (const collection of await collectionsNamed(cliptrace.library, flags.collection)) {
        const job = await cliptrace.jobs.submit({ type: 'boilerplate', collection });
        await runJob(cliptrace, job, context.terminal);
      }
    });
  } catch (error) {
    if (errorCodeOf(error) !== 'DATA_FOLDER_IN_USE') throw error;
    await queue(flags, context);
  }
}

async function queue(flags: BoilerplateFlags, context: CommandContext): Promise<void> {
  const dataFolder = await openDataFolder(settingsOf(context, flags).dataRoot, { create: false });
  const library = await openLibrary({ dataFolder, mode: 'control' });
  try {
    for (const collection of await collectionsNamed(library, flags.collection)) {
      const { id } = await library.createJob({ type: 'boilerplate', collection });
      context.terminal.err(`Another process works on this data folder: it is asked to look, as job ${id}`);
    }
  } finally {
    await library.close();
  }
}

function print(terminal: Terminal, listed: ListedBoilerplate): void {
  const { collection, videoCount, leastVideos, groupCount, groups, computedAt } = listed;
  terminal.out(
    `${printable(collection)}: ${plural(groupCount, 'group')} in ${plural(videoCount, 'video')}, as of ${computedAt} ` +
      `(repeated: from ${leastVideos} videos on)`,
  );
  if (groups.length === 0) return;
  terminal.out(
    formatTable(
      ['Kind', 'Weight', 'Videos', 'Seconds', 'For example', 'ID', 'In the video'],
      groups.map(({ kind, weight, videoCount: videos, seconds, representative }) => [
        kind,
        weight.toFixed(2),
        videos,
        seconds.toFixed(1),
        representative.title,
        representative.videoId,
        formatRange(representative.startSeconds, representative.endSeconds),
      ]),
    ),
  );
}
