import type { ClipBatcher } from '../ingest/clip-batcher.js';
import type { Library, SegmentFilter } from '../library/types.js';
import { videoFilterOf } from '../library/video-filter.js';
import type { FfmpegProgram, MediaLimits } from '../media/types.js';
import type { SegmentIndex } from '../vectors/types.js';
import type { Aligner } from './alignment-share.js';
import { collapseDuplicates } from './collapse-duplicates.js';
import { embedFileQuery } from './embed-file-query.js';
import { embedStoredQuery } from './embed-stored-query.js';
import type { EmbeddedQuery } from './embedded-query.js';
import { findHits } from './find-hits.js';
import {
  comesAfter,
  decodeHitCursor,
  encodeHitCursor,
  type HitPosition,
  inOrder,
  MOST_HITS,
} from './hit-cursor.js';
import { givenVectors, searchByVectors, vectorsOfExamples } from './search-by-vectors.js';
import type { SearchAnswer, Searcher, SearchHit, SearchQuery, SearchRequest } from './types.js';

export interface SearcherParts {
  library: Library;
  /** Resolves when the vector index answers. */
  index: SegmentIndex;
  /** On the thread of the search unless told. */
  aligner?: Aligner | undefined;
  batcher: ClipBatcher;
  ffmpeg: FfmpegProgram;
  limits: MediaLimits;
}

export function createSearcher(parts: SearcherParts): Searcher {
  return { search: (request) => search(parts, request) };
}

async function search(parts: SearcherParts, request: SearchRequest): Promise<SearchAnswer> {
  const startedAt = performance.now();
  const { manifest } = parts.batcher.encoder;
  const position = request.cursor === undefined ? null : decodeHitCursor(request.cursor);
  // What comes after the cursor, and one more that tells whether there is a next page.
  const wanted = Math.min(MOST_HITS, (position?.count ?? 0) + request.k) + 1;
  const found = await findAll(parts, request, wanted);
  const { hits, nextCursor } = await pageOf(parts, found.hits, request, position);
  const endedAt = performance.now();
  return {
    hits,
    verdict: hits[0]?.verdict ?? 'none',
    nextCursor,
    model: { id: manifest.id, dimension: manifest.dimension },
    timings: {
      decodeMs: round(found.decodeMs),
      encodeMs: round(found.encodeMs),
      searchMs: round(endedAt - startedAt - found.embedMs),
      totalMs: round(endedAt - startedAt),
    },
    warnings:
      request.query.kind === 'file' && parts.ffmpeg.warning
        ? [{ code: 'FFMPEG_OUTDATED', message: parts.ffmpeg.warning }]
        : [],
  };
}

interface Found {
  /** In the order of the answer. */
  hits: SearchHit[];
  decodeMs: number;
  encodeMs: number;
  /** Until the query was embedded. */
  embedMs: number;
}

async function findAll(parts: SearcherParts, request: SearchRequest, wanted: number): Promise<Found> {
  const { manifest } = parts.batcher.encoder;
  const { query } = request;
  const filter = videoFilterOf(request);
  const startedAt = performance.now();
  if (query.kind === 'embeddings' || query.kind === 'examples') {
    const vectorParts = { library: parts.library, index: parts.index, manifest };
    const vectors =
      query.kind === 'embeddings'
        ? givenVectors(vectorParts, query)
        : await vectorsOfExamples(vectorParts, query);
    const embedMs = performance.now() - startedAt;
    const hits = await searchByVectors(vectorParts, vectors, { wanted, filter });
    return { hits: hits.sort(inOrder), decodeMs: 0, encodeMs: 0, embedMs };
  }
  const embedded = await embedQuery(parts, query, request.signal, filter);
  const embedMs = performance.now() - startedAt;
  const exclude = request.excludeSelf && embedded.videoId !== null ? [embedded.videoId] : [];
  const allowedVideos = async () =>
    (await parts.library.countVideos(filter, wanted + exclude.length)) - exclude.length;
  const hits = await findHits({ ...parts, manifest }, embedded, {
    wanted,
    filter: { ...filter, excludeVideoIds: exclude.length > 0 ? exclude : undefined },
    allowedVideos,
    perVideo: request.perVideo,
    collapses: request.collapse !== undefined,
    explain: request.explain,
    signal: request.signal,
  });
  const { decodeMs, encodeMs } = embedded;
  return { hits, decodeMs, encodeMs, embedMs };
}

/** The k hits after the cursor, duplicates of one another together. */
async function pageOf(
  { library, batcher }: SearcherParts,
  found: readonly SearchHit[],
  request: SearchRequest,
  position: HitPosition | null,
): Promise<{ hits: SearchHit[]; nextCursor: string | null }> {
  const { id: modelId, dimension } = batcher.encoder.manifest;
  const good = found.filter(({ score }) => score >= (request.minScore ?? 0));
  const shown =
    request.collapse === 'duplicates'
      ? await collapseDuplicates({ library, modelId, dimension }, good)
      : good;
  const left = position === null ? shown : shown.filter((hit) => comesAfter(hit, position));
  const hits = left.slice(0, request.k);
  const last = hits.at(-1);
  const count = (position?.count ?? 0) + hits.length;
  const hasMore = left.length > hits.length && last !== undefined && count < MOST_HITS;
  const { score, video, startSeconds } = last ?? { score: 0, video: { id: 0 }, startSeconds: 0 };
  return {
    hits,
    nextCursor: hasMore ? encodeHitCursor({ count, score, videoId: video.id, startSeconds }) : null,
  };
}

function embedQuery(
  parts: SearcherParts,
  query: Extract<SearchQuery, { kind: 'file' | 'video' }>,
  signal: AbortSignal | undefined,
  filter: SegmentFilter,
): Promise<EmbeddedQuery> {
  if (query.kind === 'video') return embedStoredQuery(parts.library, parts.batcher.encoder.manifest, query);
  const nearestSimilarities = async (embeddings: Float32Array) =>
    (await parts.index.searchFiltered(embeddings, 1, filter)).map(({ similarities }) => similarities[0] ?? 0);
  return embedFileQuery({ ...parts, nearestSimilarities }, query, signal);
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
