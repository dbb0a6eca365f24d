import type { ModelManifest } from '../encoder/manifest.js';
import { CliptraceError } from '../errors.js';
import type { Library, Segment, SegmentFilter } from '../library/types.js';
import { meanEmbedding } from '../vectors/mean-embedding.js';
import type { SegmentIndex } from '../vectors/types.js';
import { toUnitVectors } from '../vectors/unit-vectors.js';
import { Calibrations } from './calibration/calibrations.js';
import { probabilityOf, verdictOf } from './calibration/score.js';
import type { SearchHit, SearchQuery } from './types.js';

export interface VectorSearchParts {
  library: Library;
  index: SegmentIndex;
  manifest: ModelManifest;
}

/** Unit-norm, [count, dimension]. */
export interface QueryVectors {
  vectors: Float32Array;
  count: number;
  /** Examples are no answers. */
  excludeVideoIds: number[];
}

const FIRST_NEIGHBOURS = 64;
const MOST_NEIGHBOURS = 4096;
/** What a negative example takes away, where a positive one gives 1. */
const NEGATIVE_WEIGHT = 0.5;

/** MODEL_MISMATCH, VECTOR_INVALID. */
export function givenVectors(
  { manifest }: VectorSearchParts,
  query: Extract<SearchQuery, { kind: 'embeddings' }>,
): QueryVectors {
  const { id, dimension } = manifest;
  if (query.modelId !== id) {
    throw new CliptraceError(
      'MODEL_MISMATCH',
      `The embeddings are of the model ${query.modelId}, but the library is searched by ${id}. Embed again with that.`,
    );
  }
  const count = query.embeddings.length;
  const wrong = query.embeddings.find(({ length }) => length !== dimension);
  if (count === 0 || wrong) {
    throw new CliptraceError(
      'VECTOR_INVALID',
      `An embedding has ${wrong?.length ?? 0} numbers; the model ${id} gives ${dimension}.`,
    );
  }
  const rows = new Float32Array(count * dimension);
  query.embeddings.forEach((embedding, i) => {
    const norm = Math.hypot(...embedding);
    if (!(norm > 0 && Number.isFinite(norm))) {
      throw new CliptraceError(
        'VECTOR_INVALID',
        'An embedding has no direction: it must be finite and not all 0.',
      );
    }
    rows.set(
      embedding.map((value) => value / norm),
      i * dimension,
    );
  });
  return { vectors: toUnitVectors(rows, count, dimension, 'Embeddings'), count, excludeVideoIds: [] };
}

/** The direction towards the positive examples and away from the negative ones. VIDEO_NOT_FOUND, MODEL_CHANGED. */
export async function vectorsOfExamples(
  parts: VectorSearchParts,
  { like, unlike }: Extract<SearchQuery, { kind: 'examples' }>,
): Promise<QueryVectors> {
  const { dimension } = parts.manifest;
  const direction = new Float32Array(dimension);
  for (const [videoIds, weight] of [
    [like, 1 / Math.max(1, like.length)],
    [unlike, -NEGATIVE_WEIGHT / Math.max(1, unlike.length)],
  ] as const) {
    for (const videoId of videoIds) {
      const mean = await meanOfVideo(parts, videoId);
      for (let d = 0; d < dimension; d += 1) {
        direction[d] = (direction[d] as number) + weight * (mean[d] as number);
      }
    }
  }
  const norm = Math.hypot(...direction);
  const vectors = direction.map((value) => value / (norm || 1));
  return { vectors, count: 1, excludeVideoIds: [...new Set([...like, ...unlike])] };
}

/** Videos by the mean, over the vectors, of the similarity of their nearest segment; in no order. */
export async function searchByVectors(
  parts: VectorSearchParts,
  query: QueryVectors,
  request: { wanted: number; filter: SegmentFilter },
): Promise<SearchHit[]> {
  const { library, index, manifest } = parts;
  const filter = { ...request.filter, excludeVideoIds: query.excludeVideoIds };
  let tallies = new Map<number, VideoTally>();
  for (let k = FIRST_NEIGHBOURS; ; k *= 8) {
    const neighbours = await index.searchFiltered(query.vectors, k, filter);
    const segments = await library.findSegments([...new Set(neighbours.flatMap(({ ids }) => ids))]);
    tallies = tallied(neighbours, segments);
    const exhausted = neighbours.every(({ ids }) => ids.length < k);
    if (tallies.size >= request.wanted || exhausted || k >= MOST_NEIGHBOURS) break;
  }
  const videos = await library.findVideos([...tallies.keys()]);
  const calibrations = new Calibrations(library, manifest.id);
  const hits: SearchHit[] = [];
  for (const [videoId, { sum, best, vectorsSeen }] of tallies) {
    const video = videos.get(videoId);
    if (!video) continue;
    const calibration = await calibrations.of(video.collection);
    const { startSeconds, endSeconds, weight } = best.segment;
    const evidence = {
      similarity: Math.max(0, sum / query.count),
      coverage: (weight * vectorsSeen) / query.count,
      matchedSeconds: weight * (endSeconds - startSeconds),
      changeCorrelation: null,
    };
    const score = probabilityOf(calibration, evidence);
    const { id, title, collection, label, durationSeconds } = video;
    const part = {
      startSeconds: best.segment.startSeconds,
      endSeconds: best.segment.endSeconds,
      queryStartSeconds: 0,
      queryEndSeconds: best.segment.endSeconds - best.segment.startSeconds,
    };
    hits.push({
      video: { id, title, collection, label, durationSeconds },
      score: Math.round(score * 10_000) / 10_000,
      verdict: verdictOf(calibration, score, evidence),
      evidence,
      boilerplate: weight < 1 ? 1 : 0,
      ...part,
      speed: 1,
      mirrored: false,
      parts: [part],
      explanation: null,
    });
  }
  return hits;
}

interface VideoTally {
  /** Of the best similarity for each vector that has one. */
  sum: number;
  vectorsSeen: number;
  best: { segment: Segment; similarity: number };
}

function tallied(
  neighbours: readonly { ids: number[]; similarities: number[] }[],
  segments: ReadonlyMap<number, Segment>,
): Map<number, VideoTally> {
  const tallies = new Map<number, VideoTally>();
  for (const { ids, similarities } of neighbours) {
    const seen = new Set<number>();
    ids.forEach((id, rank) => {
      const segment = segments.get(id);
      const similarity = similarities[rank] as number;
      // Nearest first: what comes later of the same video is no better.
      if (!segment || seen.has(segment.videoId)) return;
      seen.add(segment.videoId);
      const known = tallies.get(segment.videoId);
      const best = known && known.best.similarity >= similarity ? known.best : { segment, similarity };
      tallies.set(segment.videoId, {
        sum: (known?.sum ?? 0) + similarity,
        vectorsSeen: (known?.vectorsSeen ?? 0) + 1,
        best,
      });
    });
  }
  return tallies;
}

async function meanOfVideo({ library, manifest }: VectorSearchParts, videoId: number): Promise<Float32Array> {
  if (!(await library.getVideo(videoId))) {
    throw new CliptraceError('VIDEO_NOT_FOUND', `There is no video ${videoId}`);
  }
  const { ids, vectors } = await library.embeddingsOf(videoId, manifest.id);
  if (ids.length === 0) {
    throw new CliptraceError(
      'MODEL_CHANGED',
      `Video ${videoId} was embedded by another model than ${manifest.id}: index it again`,
    );
  }
  return meanEmbedding(vectors, manifest.dimension) ?? new Float32Array(manifest.dimension);
}
