import { CliptraceError } from '../errors.js';
import type { ClipBatcher } from '../ingest/clip-batcher.js';
import { embedVideo } from '../ingest/embed-video.js';
import type { Library, SegmentFeatures, SegmentFilter, Video } from '../library/types.js';
import type { FfmpegProgram, MediaLimits, VideoProbe } from '../media/types.js';
import type { Span } from '../span.js';
import type { SegmentIndex } from '../vectors/types.js';
import { type Alignment, align } from './alignment.js';
import { type Candidate, groupByVideo } from './candidates.js';
import { buildClipTrack, type ClipTrack } from './clip-track.js';
import type { SearchAnswer, Searcher, SearchHit, SearchQuery, SearchRequest } from './types.js';

export interface SearcherParts {
  library: Library;
  /** Resolves when the vector index answers. */
  index: SegmentIndex;
  batcher: ClipBatcher;
  ffmpeg: FfmpegProgram;
  limits: MediaLimits;
}

/** What a query looks like to the search: clips for the index, timesteps for the alignment. */
interface EmbeddedQuery {
  startsSeconds: number[];
  /** [startsSeconds.length, dimension] */
  embeddings: Float32Array;
  track: ClipTrack;
  decodeMs: number;
  encodeMs: number;
  /** The stored video that the query was taken from. */
  videoId: number | null;
}

/** A query has about this many clips at most: the hop grows with its length. */
const MAX_QUERY_CLIPS = 48;
/** The finest hop: the phase of the query's clips is then off by an eighth of a second at most. */
const FINEST_HOP_SECONDS = 0.25;
/** Neighbours that each clip asks for at first. */
const FIRST_NEIGHBOURS = 64;
/** When they lie in too few videos: the factor by which more are asked for, up to how many, and by how many clips. */
const NEIGHBOUR_GROWTH = 8;
const MAX_NEIGHBOURS = FIRST_NEIGHBOURS * NEIGHBOUR_GROWTH ** 3;
const WIDE_QUERY_CLIPS = 4;
/** Videos that are aligned beyond those asked for, because the alignment may change the order. */
const EXTRA_CANDIDATES = 20;
/** Videos up to this length are aligned as a whole; of longer ones, the parts that the neighbours point at. */
const WHOLE_VIDEO_SECONDS = 180;
const OFFSET_TOLERANCE_SECONDS = 2;

export function createSearcher(parts: SearcherParts): Searcher {
  return { search: (request) => search(parts, request) };
}

async function search(parts: SearcherParts, request: SearchRequest): Promise<SearchAnswer> {
  const startedAt = performance.now();
  const { manifest } = parts.batcher.encoder;
  const query =
    request.query.kind === 'file'
      ? await embedFile(parts, request.query, request.signal)
      : await embedStored(parts, request.query);

  const searchStartedAt = performance.now();
  const candidates = await findCandidates(parts, query, request);
  const hits = await alignCandidates(parts, query, candidates, request);
  const endedAt = performance.now();

  return {
    hits,
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

async function embedFile(
  { ffmpeg, batcher, limits }: SearcherParts,
  query: Extract<SearchQuery, { kind: 'file' }>,
  signal: AbortSignal | undefined,
): Promise<EmbeddedQuery> {
  const { manifest } = batcher.encoder;
  const range = rangeOf(query);
  const { segments, summary, decodeMs, encodeMs } = await embedVideo({
    ffmpeg,
    batcher,
    filePath: query.filePath,
    limits,
    hopSeconds: (probe) => queryHopSeconds(probe, range, manifest.segmentHopSeconds),
    range,
    signal,
  });
  const first = segments.spans[0]?.startSeconds ?? 0;
  const timestepLength = manifest.dimension * manifest.timesteps;
  return {
    startsSeconds: segments.spans.map((span) => span.startSeconds),
    embeddings: segments.embeddings,
    track: buildClipTrack({
      clips: segments.spans.map((span, i) => ({
        startSeconds: span.startSeconds,
        timesteps: segments.timesteps.subarray(i * timestepLength, (i + 1) * timestepLength),
      })),
      ...clipShape(manifest),
      span: { startSeconds: first, endSeconds: first + summary.durationSeconds },
    }),
    decodeMs,
    encodeMs,
    videoId: null,
  };
}

/** A range of a stored video: its features are there already. */
async function embedStored(
  { library, batcher }: SearcherParts,
  query: Extract<SearchQuery, { kind: 'video' }>,
): Promise<EmbeddedQuery> {
  const { manifest } = batcher.encoder;
  const video = await library.getVideo(query.videoId);
  if (!video) throw new CliptraceError('VIDEO_NOT_FOUND', `There is no video ${query.videoId}`);
  const range = {
    startSeconds: query.startSeconds ?? 0,
    endSeconds: Math.min(query.endSeconds ?? video.durationSeconds, video.durationSeconds),
  };
  if (range.startSeconds >= range.endSeconds) {
    throw new CliptraceError(
      'RANGE_NOT_IN_VIDEO',
      `${range.startSeconds}-${query.endSeconds ?? range.endSeconds} s lies outside video ${video.id}, which lasts ${video.durationSeconds} s`,
    );
  }
  const segments = insideOf(await library.segmentsOf(video.id, manifest.id, range), range);
  if (segments.length === 0) {
    throw new CliptraceError(
      'MODEL_CHANGED',
      `Video ${video.id} was embedded by another model than ${manifest.id}: index it again`,
    );
  }
  const chosen = thinOut(segments, MAX_QUERY_CLIPS);
  const stored = await library.vectorsOf(chosen.map((segment) => segment.id));
  const startOf = new Map(chosen.map((segment) => [segment.id, segment.startSeconds]));
  return {
    startsSeconds: stored.ids.map((id) => startOf.get(id) as number),
    embeddings: stored.vectors,
    track: buildClipTrack({ clips: chosen, ...clipShape(manifest), span: range }),
    decodeMs: 0,
    encodeMs: 0,
    videoId: video.id,
  };
}

/** Segments that lie in the range; when it is shorter than any, the one with most of it. */
function insideOf(segments: readonly SegmentFeatures[], range: Span): SegmentFeatures[] {
  const overlap = (segment: Span) =>
    Math.min(segment.endSeconds, range.endSeconds) - Math.max(segment.startSeconds, range.startSeconds);
  const whole = segments.filter(
    (segment) => segment.startSeconds >= range.startSeconds && segment.endSeconds <= range.endSeconds,
  );
  if (whole.length > 0) return whole;
  return [...segments].sort((a, b) => overlap(b) - overlap(a)).slice(0, 1);
}

/**
 * Nearest segments, grouped by video. When they lie in fewer videos than were asked for, a few clips of the query
 * ask for more of them, until there are enough or no more.
 */
async function findCandidates(
  parts: SearcherParts,
  query: EmbeddedQuery,
  request: SearchRequest,
): Promise<{ candidate: Candidate; video: Video }[]> {
  const { library } = parts;
  const filter: SegmentFilter = {
    collection: request.collection,
    collections: request.collections,
    label: request.label,
    excludeVideoIds: request.excludeSelf && query.videoId !== null ? [query.videoId] : undefined,
  };
  let candidates = await nearestVideos(parts, query, FIRST_NEIGHBOURS, filter);
  const { totalCount } = await library.listVideos({
    collection: request.collection,
    collections: request.collections,
    label: request.label,
    limit: 1,
  });
  const wanted = Math.min(request.k, totalCount - (filter.excludeVideoIds?.length ?? 0));
  const sparse = thinQuery(query, WIDE_QUERY_CLIPS);
  for (let k = FIRST_NEIGHBOURS; candidates.length < wanted && k < MAX_NEIGHBOURS; ) {
    k *= NEIGHBOUR_GROWTH;
    const wider = await nearestVideos(parts, sparse, k, filter);
    const known = new Set(candidates.map(({ videoId }) => videoId));
    candidates = [...candidates, ...wider.filter(({ videoId }) => !known.has(videoId))];
  }
  const chosen = candidates.slice(0, request.k + EXTRA_CANDIDATES);
  const videos = await library.findVideos(chosen.map(({ videoId }) => videoId));
  return chosen.flatMap((candidate) => {
    const video = videos.get(candidate.videoId);
    return video ? [{ candidate, video }] : [];
  });
}

async function nearestVideos(
  { library, index, batcher }: SearcherParts,
  query: Pick<EmbeddedQuery, 'startsSeconds' | 'embeddings'>,
  k: number,
  filter: SegmentFilter,
): Promise<Candidate[]> {
  const neighbours = await index.searchFiltered(query.embeddings, k, filter);
  const ids = new Set(neighbours.flatMap((found) => found.ids));
  return groupByVideo({
    queryStartsSeconds: query.startsSeconds,
    neighbours,
    segments: await library.findSegments([...ids]),
    binSeconds: batcher.encoder.manifest.segmentHopSeconds,
  });
}

/** At most `count` of the query's clips, evenly spread. */
function thinQuery(query: EmbeddedQuery, count: number): Pick<EmbeddedQuery, 'startsSeconds' | 'embeddings'> {
  const { dimension } = query.track;
  const rows = thinOut([...query.startsSeconds.keys()], count);
  const embeddings = new Float32Array(rows.length * dimension);
  rows.forEach((row, i) => {
    embeddings.set(query.embeddings.subarray(row * dimension, (row + 1) * dimension), i * dimension);
  });
  return { startsSeconds: rows.map((row) => query.startsSeconds[row] as number), embeddings };
}

async function alignCandidates(
  parts: SearcherParts,
  query: EmbeddedQuery,
  candidates: readonly { candidate: Candidate; video: Video }[],
  request: SearchRequest,
): Promise<SearchHit[]> {
  const hits: SearchHit[] = [];
  for (const { candidate, video } of candidates) {
    if (request.signal?.aborted) throw new CliptraceError('CANCELLED', 'The search was cancelled');
    const alignments = await alignVideo(parts, query, candidate, video, request.perVideo ?? 1);
    for (const alignment of alignments) hits.push(toHit(video, alignment));
  }
  return hits.sort((a, b) => b.score - a.score || a.video.id - b.video.id).slice(0, request.k);
}

async function alignVideo(
  { library, batcher }: SearcherParts,
  query: EmbeddedQuery,
  candidate: Candidate,
  video: Video,
  maxAlignments: number,
): Promise<Alignment[]> {
  const { manifest } = batcher.encoder;
  const read = (span: Span, near?: number[]) =>
    library.segmentsOf(video.id, manifest.id, span).then((segments) =>
      align({
        query: query.track,
        video: buildClipTrack({ clips: segments, ...clipShape(manifest), span }),
        maxAlignments,
        near: near && { offsetsSeconds: near, toleranceSeconds: OFFSET_TOLERANCE_SECONDS },
      }),
    );
  if (video.durationSeconds <= WHOLE_VIDEO_SECONDS) {
    return read({ startSeconds: 0, endSeconds: video.durationSeconds });
  }
  const found: Alignment[] = [];
  for (const offset of candidate.offsetsSeconds) {
    const startSeconds = Math.max(0, query.track.startSeconds + offset - OFFSET_TOLERANCE_SECONDS);
    const endSeconds = Math.min(
      video.durationSeconds,
      query.track.endSeconds + offset + OFFSET_TOLERANCE_SECONDS,
    );
    if (endSeconds > startSeconds) found.push(...(await read({ startSeconds, endSeconds }, [offset])));
  }
  return distinct(found.sort((a, b) => b.score - a.score)).slice(0, maxAlignments);
}

/** Leaves out what starts where a better one starts: windows overlap. */
function distinct(alignments: readonly Alignment[]): Alignment[] {
  return alignments.filter(
    (alignment, i) =>
      !alignments
        .slice(0, i)
        .some(
          (better) => Math.abs(better.offsetSeconds - alignment.offsetSeconds) < OFFSET_TOLERANCE_SECONDS,
        ),
  );
}

function toHit(video: Video, alignment: Alignment): SearchHit {
  const { id, title, collection, label, durationSeconds } = video;
  return {
    video: { id, title, collection, label, durationSeconds },
    score: Math.round(alignment.score * 10_000) / 10_000,
    startSeconds: roundTime(alignment.video.startSeconds),
    endSeconds: roundTime(alignment.video.endSeconds),
    queryStartSeconds: roundTime(alignment.query.startSeconds),
    queryEndSeconds: roundTime(alignment.query.endSeconds),
  };
}

/** The hop that spreads at most MAX_QUERY_CLIPS clips over the query, a divisor of the index's hop when it can be. */
function queryHopSeconds(probe: VideoProbe, range: Partial<Span>, indexHopSeconds: number): number {
  const end = range.endSeconds ?? probe.durationSeconds;
  if (end === null) return indexHopSeconds;
  const length = Math.max(0, Math.min(end, probe.durationSeconds ?? end) - (range.startSeconds ?? 0));
  return Math.max(FINEST_HOP_SECONDS, length / MAX_QUERY_CLIPS);
}

function rangeOf(query: {
  startSeconds?: number | undefined;
  endSeconds?: number | undefined;
}): Partial<Span> {
  return {
    ...(query.startSeconds === undefined ? {} : { startSeconds: query.startSeconds }),
    ...(query.endSeconds === undefined ? {} : { endSeconds: query.endSeconds }),
  };
}

function clipShape(manifest: {
  dimension: number;
  timesteps: number;
  preprocessing: { frames: number; framesPerSecond: number };
}): { dimension: number; timesteps: number; clipSeconds: number } {
  const { dimension, timesteps, preprocessing } = manifest;
  return {
    dimension,
    timesteps,
    clipSeconds: preprocessing.frames / preprocessing.framesPerSecond,
  };
}

/** At most `count` items, evenly spread. */
function thinOut<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)] as T);
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}

function roundTime(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
