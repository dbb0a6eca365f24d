import { setImmediate as nextTurn } from 'node:timers/promises';
import { CliptraceError } from '../errors.js';
import type { Library, Video } from '../library/types.js';
import type { Searcher } from '../search/types.js';
import { dot } from '../vectors/dot.js';
import { meanEmbedding } from '../vectors/mean-embedding.js';

export interface RankedVideo {
  videoId: number;
  similarity: number;
}

/** Orders the gallery for one query, the nearest first, without the query itself. */
export type RankVideos = (query: Video) => Promise<RankedVideo[]>;

/** Videos between two turns of the event loop. */
const VIDEOS_PER_TURN = 20_000;

/** Ranks by the cosine of mean embeddings: exact, and the whole gallery. Ties go to the smaller id. */
export async function rankByEmbedding(input: {
  library: Library;
  modelId: string;
  dimension: number;
  gallery: readonly Video[];
  signal: AbortSignal;
}): Promise<RankVideos> {
  const { library, modelId, dimension, gallery, signal } = input;
  const meanOf = async ({ id }: Video) =>
    meanEmbedding((await library.embeddingsOf(id, modelId)).vectors, dimension);
  const ids: number[] = [];
  const rows = new Float32Array(gallery.length * dimension);
  for (const video of gallery) {
    if (signal.aborted) throw cancelled();
    const vector = await meanOf(video);
    if (vector === null) continue;
    rows.set(vector, ids.length * dimension);
    ids.push(video.id);
  }
  let compared = 0;
  return async (query) => {
    if (signal.aborted) throw cancelled();
    const vector = await meanOf(query);
    if (vector === null) return [];
    compared += ids.length;
    if (compared > VIDEOS_PER_TURN) {
      compared = 0;
      await nextTurn();
    }
    return ids
      .map((videoId, row) => ({ videoId, similarity: dot(vector, 0, rows, row, dimension) }))
      .filter(({ videoId }) => videoId !== query.id)
      .sort((a, b) => b.similarity - a.similarity || a.videoId - b.videoId);
  };
}

/** Ranks as the product's search does, down to `depth` videos of the gallery. */
export function rankBySearch(input: {
  searcher: Searcher;
  collection: string | null;
  gallery: readonly Video[];
  /** Videos that a search can find. */
  libraryCount: number;
  depth: number;
  signal: AbortSignal;
}): RankVideos {
  const { searcher, collection, libraryCount, depth, signal } = input;
  const gallery = new Set(input.gallery.map(({ id }) => id));
  return async (query) => {
    if (signal.aborted) throw cancelled();
    // Others stand among the hits: more are asked for until enough are of the gallery.
    for (let k = Math.min(depth + (libraryCount - gallery.size), 2 * depth); ; k *= 2) {
      const { hits } = await searcher.search({
        query: { kind: 'video', videoId: query.id },
        k,
        collection: collection ?? undefined,
        excludeSelf: true,
        signal,
      });
      const found = hits.filter(({ video }) => gallery.has(video.id));
      if (found.length < depth && hits.length >= k && k < libraryCount) continue;
      return found.slice(0, depth).map(({ video, score }) => ({ videoId: video.id, similarity: score }));
    }
  };
}

export function cancelled(): CliptraceError {
  return new CliptraceError('CANCELLED', 'The evaluation was cancelled');
}
