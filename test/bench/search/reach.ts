import type { OpenedCliptrace } from '../../../index/cliptrace.js';
import { exactNeighbours, neighbourRecall } from '../../../index/vectors/exact-neighbours.js';
import type { Neighbours } from '../../../index/vectors/types.js';

/** Its own embedding and that of an equal segment are as near. */
const SAME_SIMILARITY = 0.9999;

/** Segments whose neighbours are compared with those of an exact search: one of each of the first so many videos. */
const RECALL_VIDEOS = 200;
const RECALL_NEIGHBOURS = 10;

/** How many segments of the videos the index does not find by their own embedding, and of how many videos none; and recall against exact search. */
export async function benchReach(
  cliptrace: OpenedCliptrace,
  videoIds: readonly number[],
  neighbours: number,
  print: (line: string) => void,
): Promise<void> {
  const { library, index, encoder } = cliptrace;
  let [segments, lost, lostVideos] = [0, 0, 0];
  for (const videoId of videoIds) {
    const { ids, vectors } = await library.embeddingsOf(videoId, encoder.manifest.id);
    const found = await index.search(vectors, neighbours);
    const missing = ids.filter((id, row) => {
      const { ids: near, similarities } = found[row] as (typeof found)[number];
      return !near.includes(id) && !((similarities[0] ?? 0) >= SAME_SIMILARITY);
    });
    segments += ids.length;
    lost += missing.length;
    if (missing.length === ids.length) lostVideos += 1;
  }
  print(
    `${lost} of ${segments} segments are not found by their own embedding (${((100 * lost) / segments).toFixed(1)} %); ` +
      `${lostVideos} of ${videoIds.length} videos by none of theirs`,
  );
  const recall = await recallAt10(cliptrace, videoIds.slice(0, RECALL_VIDEOS));
  print(`recall@${RECALL_NEIGHBOURS} against exact search: ${recall.toFixed(4)}`);
}

/** Of searches for the first segment of each video. */
async function recallAt10(
  { library, index, encoder }: OpenedCliptrace,
  videoIds: readonly number[],
): Promise<number> {
  const { id: modelId, dimension } = encoder.manifest;
  const queries = new Float32Array(videoIds.length * dimension);
  for (const [i, videoId] of videoIds.entries()) {
    const { vectors } = await library.embeddingsOf(videoId, modelId);
    queries.set(vectors.subarray(0, dimension), i * dimension);
  }
  const exact = await exactNeighbours({ library, modelId, dimension, queries, k: RECALL_NEIGHBOURS });
  const found = await index.search(queries, RECALL_NEIGHBOURS);
  const recalls = exact.map((neighbours, i) => neighbourRecall(found[i] as Neighbours, neighbours));
  return recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length;
}
