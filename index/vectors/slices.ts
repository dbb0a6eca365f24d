import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long work on the graph holds the thread before a search may go ahead. */
const SLICE_MS = 4;

/** Works on one item after another and lets others go ahead in between; ends early when `work` answers false. */
export async function inSlices<T>(
  items: readonly T[],
  work: (item: T, position: number) => boolean,
): Promise<void> {
  let sliceStart = performance.now();
  for (const [position, item] of items.entries()) {
    if (!work(item, position)) return;
    if (performance.now() - sliceStart < SLICE_MS) continue;
    await nextTurn();
    sliceStart = performance.now();
  }
}
