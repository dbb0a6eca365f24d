import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ModelManifest } from '../encoder/manifest.js';
import type { Library, SegmentVectors } from '../library/types.js';
import { dot } from '../vectors/dot.js';
import { rowsOf } from '../vectors/rows.js';
import { TopK } from '../vectors/top-k.js';
import type { Neighbours } from '../vectors/types.js';
import type { EmbeddedQuery } from './embedded-query.js';
import { findHits } from './find-hits.js';
import { isMirrorPromising } from './mirror-look.js';
import type { SearchHit } from './types.js';

/** Comparisons between two turns of the event loop: a few milliseconds. */
const COMPARISONS_PER_TURN = 16_384;

/**
 * The best hit of a query in one video, as a search among that video alone would find it; null when the video has no segments of the model. The
 * features come from the library, so that the vector index need not have the video yet.
 */
export async function matchVideo(
  { library, manifest }: { library: Library; manifest: ModelManifest },
  query: EmbeddedQuery,
  videoId: number,
  signal?: AbortSignal,
): Promise<SearchHit | null> {
  const { dimension } = manifest;
  const segments = await library.embeddingsOf(videoId, manifest.id);
  if (segments.ids.length === 0) return null;
  const index = {
    searchFiltered: (queries: Float32Array, k: number) => nearestOf(segments, queries, k, dimension),
  };
  const [hit] = await findHits({ library, index, manifest }, await promisingLooks(query, dimension, index), {
    wanted: 1,
    filter: {},
    allowedVideos: 1,
    signal,
  });
  return hit ?? null;
}

/** A query that was embedded without knowing what it would be compared with has its mirror image in any case. */
async function promisingLooks(
  query: EmbeddedQuery,
  dimension: number,
  index: { searchFiltered(queries: Float32Array, k: number): Promise<Neighbours[]> },
): Promise<EmbeddedQuery> {
  const mirrored = query.variants.find((look) => look.mirrored);
  // The mirror image was made of the last look before it: without borders, where there were some.
  const upright = query.variants.filter((look) => !look.mirrored).at(-1);
  if (!mirrored || !upright) return query;
  const promising = await isMirrorPromising({
    upright: upright.embeddings,
    dimension,
    flipped: async (rows) => rowsOf(mirrored.embeddings, rows, dimension),
    nearestSimilarities: async (embeddings) =>
      (await index.searchFiltered(embeddings, 1)).map(({ similarities }) => similarities[0] ?? 0),
  });
  return promising ? query : { ...query, variants: query.variants.filter((look) => look !== mirrored) };
}

async function nearestOf(
  { ids, vectors }: SegmentVectors,
  queries: Float32Array,
  k: number,
  dimension: number,
): Promise<Neighbours[]> {
  const found: Neighbours[] = [];
  let compared = 0;
  for (let query = 0; query < queries.length / dimension; query += 1) {
    const best = new TopK(k);
    for (const [row, id] of ids.entries()) best.offer(id, dot(queries, query, vectors, row, dimension));
    found.push(best.take());
    compared += ids.length;
    if (compared < COMPARISONS_PER_TURN) continue;
    compared = 0;
    await nextTurn();
  }
  return found;
}
