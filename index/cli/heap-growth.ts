import { setFlagsFromString } from 'node:v8';

/** By how much a heap may grow beyond what was alive in it before all of it is looked through again. */
const GROWTH_PERCENT = 300;

/**
 * V8 lets a small heap grow by a few megabytes between two full collections, and counts features that were read from the library among them: every fifth
 * search met one, which took a processor for 20 ms. Memory for that is small beside the index. Affects the threads, too; what is set before they start is
 * read at each collection.
 */
export function letHeapsGrow(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
