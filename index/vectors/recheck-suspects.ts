import type { HnswGraph } from './hnsw-graph.js';
import { inSlices } from './slices.js';

/** Until no node is suspected to be cut off. */
export async function recheckSuspects(graph: HnswGraph): Promise<void> {
  await inSlices(new Array<null>(graph.suspectCount).fill(null), () => {
    graph.recheckSuspect();
    return true;
  });
}
