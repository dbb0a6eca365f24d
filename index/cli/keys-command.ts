import { createApiKey } from '../access/api-key.js';
import { isScope, SCOPES, type Scope } from '../access/scopes.js';
import { CliptraceError, errorCodeOf } from '../errors.js';
import { openDataFolder } from '../library/data-folder.js';
import { openLibrary } from '../library/sqlite-library.js';
import type { ApiKey, Library } from '../library/types.js';
import { actionOf } from './action.js';
import { KEY_ACTIONS } from './command-words.js';
import { type CommandContext, type CommonFlags, settingsOf, withLibrary } from './context.js';
import { EXIT_DONE } from './exit-codes.js';
import { formatTable, printJson } from './output.js';

export interface KeysFlags extends CommonFlags {
  name?: string;
  scopes?: string;
  collections?: string;
}

const MAX_NAME_LENGTH = 100;

/** `cliptrace keys [ACTION] [ID]`. A running server obeys at its next request. */
export async function keysCommand(
  actionText: string | undefined,
  id: string | undefined,
  flags: KeysFlags,
  context: CommandContext,
): Promise<number> {
  const action = actionOf(actionText ?? 'list', KEY_ACTIONS, 'keys');
  if (action === 'create') return createKey(flags, context);
  if (action === 'list') return listKeys(flags, context);
  if (id === undefined) throw usage('keys revoke needs the id of a key; `cliptrace keys` lists them');
  return revokeKey(id, flags, context);
}

async function createKey(flags: KeysFlags, context: CommandContext): Promise<number> {
  const name = nameOf(flags.name);
  const scopes = scopesOf(flags.scopes ?? 'search');
  const collections = flags.collections === undefined ? null : listOf(flags.collections, '--collections');
  const { key, publicId, secretSha256 } = createApiKey();
  const input = { publicId, name, secretSha256, scopes, collections };
  const created = await withWritableLibrary(flags, context, (library) => library.createApiKey(input));
  const { terminal } = context;
  if (flags.json) printJson(terminal, { key, ...shown(created) });
  else {
    terminal.err(`Key ${publicId} (${scopes.join(', ')}). It is shown this once: keep it in a safe place.`);
    terminal.out(key);
  }
  return EXIT_DONE;
}

async function listKeys(flags: KeysFlags, context: CommandContext): Promise<number> {
  const keys = await withLibrary(context, flags, (library) => library.listApiKeys());
  if (flags.json) printJson(context.terminal, { keys: keys.map(shown) });
  else {
    const rows = keys.map((key) => [
      key.publicId,
      key.name,
      key.scopes.join(','),
      key.collections?.join(',') ?? 'all',
      key.createdAt,
      key.lastUsedAt ?? 'never',
      key.revokedAt ?? '-',
    ]);
    const headers = ['ID', 'Name', 'Scopes', 'Collections', 'Created', 'Last used', 'Revoked'];
    context.terminal.out(formatTable(headers, rows));
  }
  return EXIT_DONE;
}

async function revokeKey(id: string, flags: KeysFlags, context: CommandContext): Promise<number> {
  const revoked = await withWritableLibrary(flags, context, (library) => library.revokeApiKey(id));
  if (revoked === null) {
    // Someone may paste a whole key here: it is not repeated.
    throw new CliptraceError('KEY_NOT_FOUND', 'There is no key of that id. `cliptrace keys` lists the ids.');
  }
  if (flags.json) printJson(context.terminal, shown(revoked));
  else context.terminal.out(`Revoked key ${id} (${revoked.name})`);
  return EXIT_DONE;
}

/** Beside a process that holds the data folder; in a new folder, or one of an older version, as its holder. */
async function withWritableLibrary<T>(
  flags: KeysFlags,
  context: CommandContext,
  work: (library: Library) => Promise<T>,
): Promise<T> {
  const { dataRoot } = settingsOf(context, flags);
  const dataFolder = await openDataFolder(dataRoot, { create: true });
  const library = await openLibrary({ dataFolder, mode: 'control' }).catch((error: unknown) => {
    const code = errorCodeOf(error);
    if (code !== 'LIBRARY_NOT_FOUND' && code !== 'MIGRATION_HISTORY') throw error;
    return openLibrary({ dataFolder, mode: 'write' });
  });
  try {
    return await work(library);
  } finally {
    await library.close();
  }
}

/** Everything but the secret's hash. */
function shown({ publicId, name, scopes, collections, createdAt, lastUsedAt, revokedAt }: ApiKey) {
  return { id: publicId, name, scopes, collections, createdAt, lastUsedAt, revokedAt };
}

function nameOf(text: string | undefined): string {
  const name = text?.trim() ?? '';
  if (name !== '' && name.length <= MAX_NAME_LENGTH && !/\p{Cc}/u.test(name)) return name;
  throw usage(
    `keys create needs --name, what the key is for: 1 to ${MAX_NAME_LENGTH} characters, e.g. --name laptop`,
  );
}

function scopesOf(text: string): Scope[] {
  return listOf(text, '--scopes').map((scope) => {
    if (isScope(scope)) return scope;
    throw usage(`"${scope}" is no scope: --scopes is a comma-separated list of ${SCOPES.join(', ')}`);
  });
}

function listOf(text: string, flag: string): string[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.includes('')) throw usage(`${flag} is "${text}": it must be a comma-separated list`);
  return [...new Set(parts)];
}

function usage(message: string): CliptraceError {
  return new CliptraceError('USAGE', message);
}
