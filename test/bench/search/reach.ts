import type { OpenedCliptrace } from '../../../index/cliptrace.js';

/** Its own embedding and that of an equal segment are as near. */
const SAME_SIMILARITY = 0.9999;

/** How many segments of the videos the index does not find by their own embedding, and of how many videos none. */
export async function benchReach(
  { library, index, encoder }: OpenedCliptrace,
  videoIds: readonly number[],
  neighbours: number,
  print: (line: string) => void,
): Promise<void> {
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
}
