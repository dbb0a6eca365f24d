import type { ClipBatcher } from '../ingest/clip-batcher.js';
import type { Library, SegmentFilter } from '../library/types.js';
import type { FfmpegProgram, MediaLimits } from '../media/types.js';
import type { SegmentIndex } from '../vectors/types.js';
import { type AlignedHit, alignCandidates, matchThresholds } from './align-candidates.js';
import { embedFileQuery } from './embed-file-query.js';
import { embedStoredQuery } from './embed-stored-query.js';
import { clipShapeOf, type EmbeddedQuery } from './embedded-query.js';
import { findCandidates } from './find-candidates.js';
import { toExplanation, toHit } from './present-hit.js';
import { scoreHits } from './score-hits.js';
import type { SearchAnswer, Searcher, SearchRequest } from './types.js';

export interface SearcherParts {
  library: Library;
  /** Resolves when the vector index answers. */
  index: SegmentIndex;
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
  const { collection, collections, label } = request;
  const filter = { collection, collections, label };
  const query = await embedQuery(parts, request, filter);

  const searchStartedAt = performance.now();
  const aligned = await findHits(parts, query, request, filter);
  const scored = await scoreHits({ library: parts.library, modelId: manifest.id }, aligned);
  const hits = scored.filter(({ score }) => score >= (request.minScore ?? 0)).slice(0, request.k);
  const endedAt = performance.now();

  return {
    verdict: hits[0]?.verdict ?? 'none',
    hits: hits.map((hit) => ({
      ...toHit(hit),
      explanation: request.explain ? toExplanation(hit) : null,
    })),
    model: { id: manifest.id, dimension: manifest.dimension },
    timings: {
      decodeMs: round(query.decodeMs),
      encodeMs: round(query.encodeMs),
      searchMs: round(endedAt - searchStartedAt),
      totalMs: round(endedAt - startedAt),
    },
    warnings:
      request.query.kind === 'file' && parts.ffmpeg.warning
        ? [{ code: 'FFMPEG_OUTDATED', message: parts.ffmpeg.warning }]
        : [],
  };
}

function embedQuery(
  parts: SearcherParts,
  { query, signal }: SearchRequest,
  filter: SegmentFilter,
): Promise<EmbeddedQuery> {
  if (query.kind === 'video') return embedStoredQuery(parts.library, parts.batcher.encoder.manifest, query);
  const nearestSimilarities = async (embeddings: Float32Array) =>
    (await parts.index.searchFiltered(embeddings, 1, filter)).map(({ similarities }) => similarities[0] ?? 0);
  return embedFileQuery({ ...parts, nearestSimilarities }, query, signal);
}

/** Aligned candidates. */
async function findHits(
  { library, index, batcher }: SearcherParts,
  query: EmbeddedQuery,
  request: SearchRequest,
  filter: SegmentFilter,
): Promise<AlignedHit[]> {
  const { manifest } = batcher.encoder;
  const exclude = request.excludeSelf && query.videoId !== null ? [query.videoId] : [];
  const { totalCount } = await library.listVideos({ ...filter, limit: 1 });
  const { candidates, nearest } = await findCandidates(
    { library, index, hopSeconds: manifest.segmentHopSeconds },
    query,
    {
      wanted: request.k,
      filter: { ...filter, excludeVideoIds: exclude.length > 0 ? exclude : undefined },
      allowedVideos: totalCount - exclude.length,
    },
  );
  return alignCandidates({
    library,
    modelId: manifest.id,
    shape: clipShapeOf(manifest),
    query,
    candidates,
    thresholds: matchThresholds(nearest),
    perVideo: request.perVideo ?? 1,
    signal: request.signal,
  });
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
