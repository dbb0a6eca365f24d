import { CliptraceError } from '../errors.js';
import type { Library } from '../library/types.js';

const NAMED = 10;

/** The collections that are meant: the one of that name, or all. COLLECTION_NOT_FOUND, because a misspelt one would look like an empty one. */
export async function collectionsNamed(
  library: Pick<Library, 'listCollections'>,
  wanted: string | undefined,
): Promise<string[]> {
  const names = (await library.listCollections()).map(({ name }) => name);
  if (wanted === undefined) return names;
  if (names.includes(wanted)) return [wanted];
  const some = names.slice(0, NAMED).map((name) => JSON.stringify(name));
  const known =
    some.length === 0
      ? 'The library has none yet'
      : `There is ${some.join(', ')}${names.length > NAMED ? ', …' : ''}`;
  throw new CliptraceError(
    'COLLECTION_NOT_FOUND',
    `There is no collection ${JSON.stringify(wanted)}. ${known}.`,
  );
}
