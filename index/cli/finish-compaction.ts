import type { OpenedCliptrace } from '../cliptrace.js';
import type { Terminal } from './output.js';
import { onStop } from './run-job.js';

/**
 * Waits until the vector index is rid of removed segments, when that is under way and no more than so many are left: a
 * command would else give it up at its end, and the next one too. Ctrl-C leaves it to a later one.
 */
export async function finishCompaction(
  { index }: OpenedCliptrace,
  maxSegments: number,
  terminal: Terminal,
): Promise<void> {
  const { compaction } = index;
  if (compaction === null || (await index.size()) > maxSegments) return;
  terminal.err('Building the vector index anew without its removed segments');
  let release: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => {
    release = onStop(async () => resolve());
  });
  try {
    await Promise.race([compaction, stopped]);
  } finally {
    release();
  }
}
