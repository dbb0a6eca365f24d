import { removeWatch } from '../clip-watch/remove-watch.js';
import { CliptraceError } from '../errors.js';
import { openDataFolder } from '../library/data-folder.js';
import { openLibrary } from '../library/sqlite-library.js';
import type { Library } from '../library/types.js';
import type { ClipWatch, Delivery } from '../library/watch-types.js';
import { actionOf } from './action.js';
import { WATCH_ACTIONS } from './command-words.js';
import {
  type CommandContext,
  type CommonFlags,
  parseId,
  parseNumber,
  settingsOf,
  withLibrary,
} from './context.js';
import { EXIT_DONE } from './exit-codes.js';
import { formatTable, printJson } from './output.js';

export interface WatchesFlags extends CommonFlags {
  limit?: string;
  cursor?: string;
}

/** `cliptrace watches [ACTION] [ID]`: of clips that are watched for. A running server obeys within a second. */
export async function watchesCommand(
  actionText: string | undefined,
  idText: string | undefined,
  flags: WatchesFlags,
  context: CommandContext,
): Promise<number> {
  const action = actionOf(actionText ?? 'list', WATCH_ACTIONS, 'watches');
  if (action === 'list') return listWatches(flags, context);
  if (idText === undefined) {
    throw new CliptraceError(
      'USAGE',
      `watches ${action} needs the id of a watch; \`cliptrace watches\` lists them`,
    );
  }
  const id = parseId(idText, 'watch');
  if (action === 'deliveries') return listDeliveries(id, flags, context);
  const { terminal } = context;
  const watch = await besideWriter(flags, context, (library) =>
    action === 'remove'
      ? removeWatch(library, id)
      : library.watches.update(id, { status: action === 'pause' ? 'paused' : 'active' }),
  );
  if (watch === null) throw notFound(id);
  if (flags.json) printJson(terminal, shown(watch));
  else terminal.out(`Watch ${id} (${watch.name}) is ${action === 'remove' ? 'removed' : watch.status}`);
  return EXIT_DONE;
}

async function listWatches(flags: WatchesFlags, context: CommandContext): Promise<number> {
  const { items, nextCursor } = await withLibrary(context, flags, ({ watches }) =>
    watches.list({ limit: limitOf(flags), cursor: flags.cursor }),
  );
  if (flags.json) printJson(context.terminal, { watches: items.map(shown), nextCursor });
  else {
    const rows = items.map((watch) => [
      watch.id,
      watch.name,
      watch.status,
      watch.collection ?? 'all',
      watch.threshold,
      watch.url,
      watch.createdAt,
    ]);
    const headers = ['ID', 'Name', 'Status', 'Collection', 'Threshold', 'Webhook', 'Created'];
    context.terminal.out(formatTable(headers, rows));
    tellMore(nextCursor, context);
  }
  return EXIT_DONE;
}

async function listDeliveries(
  watchId: number,
  flags: WatchesFlags,
  context: CommandContext,
): Promise<number> {
  const { items, nextCursor } = await withLibrary(context, flags, async ({ watches }) => {
    if ((await watches.get(watchId)) === null) throw notFound(watchId);
    return watches.listDeliveries({ watchId, limit: limitOf(flags), cursor: flags.cursor });
  });
  if (flags.json) printJson(context.terminal, { deliveries: items, nextCursor });
  else {
    const headers = ['ID', 'Type', 'Video', 'Status', 'Attempts', 'Last answer', 'Next attempt', 'Created'];
    context.terminal.out(formatTable(headers, items.map(deliveryRow)));
    tellMore(nextCursor, context);
  }
  return EXIT_DONE;
}

function deliveryRow(delivery: Delivery): (string | number)[] {
  const { id, type, videoId, status, attemptCount, nextAttemptMs, lastAttempt, createdAt } = delivery;
  const answer = lastAttempt?.responseStatus ?? lastAttempt?.error?.code ?? '-';
  const next = nextAttemptMs === null ? '-' : new Date(nextAttemptMs).toISOString();
  return [id, type, videoId ?? '-', status, attemptCount, answer, next, createdAt];
}

/** While another process may hold the data folder. */
async function besideWriter<T>(
  flags: WatchesFlags,
  context: CommandContext,
  work: (library: Library) => Promise<T>,
): Promise<T> {
  const dataFolder = await openDataFolder(settingsOf(context, flags).dataRoot, { create: false });
  const library = await openLibrary({ dataFolder, mode: 'control' });
  try {
    return await work(library);
  } finally {
    await library.close();
  }
}

/** Everything but the secrets, and where the clip is kept. */
function shown(watch: ClipWatch) {
  const { id, name, status, statusCode, collection, threshold, url, modelId, createdAt, updatedAt } = watch;
  return { id, name, status, statusCode, collection, threshold, url, modelId, createdAt, updatedAt };
}

function limitOf({ limit }: WatchesFlags): number {
  return parseNumber(limit, '--limit', { min: 1, max: 1000, integer: true }) ?? 100;
}

function tellMore(nextCursor: string | null, { terminal }: CommandContext): void {
  if (nextCursor !== null) terminal.err(`There are more: --cursor ${nextCursor}`);
}

function notFound(id: number): CliptraceError {
  return new CliptraceError('WATCH_NOT_FOUND', `There is no watch ${id}. \`cliptrace watches\` lists them.`);
}
