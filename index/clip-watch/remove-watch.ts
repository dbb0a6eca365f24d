import { rm } from 'node:fs/promises';
import type { Library } from '../library/types.js';
import type { ClipWatch } from '../library/watch-types.js';

/** With its deliveries and its clip. Null when there is none. */
export async function removeWatch(library: Library, id: number): Promise<ClipWatch | null> {
  const removed = await library.watches.remove(id);
  // Were we killed in between, the next start sweeps the clip.
  if (removed?.source.kind === 'clip') await rm(removed.source.path, { force: true });
  return removed;
}
