import type { Library, SegmentFilter, Video } from '../library/types.js';
import { rowsOf } from '../vectors/rows.js';
import type { SegmentIndex } from '../vectors/types.js';
import { weightsByNeighbours } from './boilerplate/query-weights.js';
import { type Candidate, chooseCandidates, groupByVideo } from './candidates.js';
import { type EmbeddedQuery, type QueryVariant, thinOut } from './embedded-query.js';
import { searchedClips, weightsOfAll } from './searched-clips.js';

export interface CandidateParts {
  library: Library;
  index: Pick<SegmentIndex, 'searchFiltered'>;
  /** Of the segments of the index. */
  hopSeconds: number;
}

export interface FoundCandidates {
  candidates: { candidate: Candidate; video: Video }[];
  /** What a second of each of the query's clips counts for, [clips]: less where it shows boilerplate. */
  weights: Float64Array;
}

/** Neighbours that each clip asks for at first. */
const FIRST_NEIGHBOURS = 64;
/** When they lie in too few videos: the factor by which more are asked for, up to how many, and by how many clips. */
const NEIGHBOUR_GROWTH = 8;
const MAX_NEIGHBOURS = FIRST_NEIGHBOURS * NEIGHBOUR_GROWTH ** 3;
const WIDE_QUERY_CLIPS = 4;
/** Videos that are aligned beyond those asked for, because the alignment may change the order. */
const EXTRA_CANDIDATES = 20;

/**
 * Nearest segments, grouped by video. When they lie in fewer videos than were asked for, a few clips of the query
 * ask for more of them, until there are enough or no more.
 */
export async function findCandidates(
  parts: CandidateParts,
  query: EmbeddedQuery,
  request: { wanted: number; filter: SegmentFilter; allowedVideos: number | (() => Promise<number>) },
): Promise<FoundCandidates> {
  const { filter } = request;
  let nearest: number[] = [];
  let candidates: Candidate[] = [];
  let { weights } = query;
  const searched = searchedClips(query);
  for (const variant of query.variants) {
    const found = await nearestVideos(parts, clipsOf(query, variant, searched), FIRST_NEIGHBOURS, filter);
    candidates = merged(candidates, found.candidates);
    if (sum(found.nearest) > sum(nearest)) {
      nearest = found.nearest;
      weights = weightsOfAll(query.weights, searched, found.weights);
    }
  }
  const wanted = await wantedOf(request, candidates.length);
  const [plain] = query.variants as [QueryVariant];
  const sparse = clipsOf(query, plain, thinOut([...query.startsSeconds.keys()], WIDE_QUERY_CLIPS));
  for (let k = FIRST_NEIGHBOURS; candidates.length < wanted && k < MAX_NEIGHBOURS; ) {
    k *= NEIGHBOUR_GROWTH;
    const wider = await nearestVideos(parts, sparse, k, filter);
    const known = new Set(candidates.map(({ videoId }) => videoId));
    candidates = [...candidates, ...wider.candidates.filter(({ videoId }) => !known.has(videoId))];
  }
  const chosen = chooseCandidates(candidates, request.wanted + EXTRA_CANDIDATES);
  const videos = await parts.library.findVideos(chosen.map(({ videoId }) => videoId));
  return {
    weights,
    candidates: chosen.flatMap((candidate) => {
      const video = videos.get(candidate.videoId);
      return video ? [{ candidate, video }] : [];
    }),
  };
}

/** How many candidates there must be. What a filter allows is not counted where that many were found at once. */
async function wantedOf(
  { wanted, allowedVideos }: { wanted: number; allowedVideos: number | (() => Promise<number>) },
  found: number,
): Promise<number> {
  if (found >= wanted) return wanted;
  return Math.min(wanted, typeof allowedVideos === 'number' ? allowedVideos : await allowedVideos());
}

interface QueryClips {
  startsSeconds: readonly number[];
  /** [clips, dimension] */
  embeddings: Float32Array;
  weights: Float64Array;
}

async function nearestVideos(
  { library, index, hopSeconds }: CandidateParts,
  { startsSeconds, embeddings, weights }: QueryClips,
  k: number,
  filter: SegmentFilter,
): Promise<{ candidates: Candidate[]; nearest: number[]; weights: Float64Array }> {
  const neighbours = await index.searchFiltered(embeddings, k, filter);
  const ids = new Set(neighbours.flatMap((found) => found.ids));
  const segments = await library.findSegments([...ids]);
  const byNeighbours = weightsByNeighbours(neighbours, segments);
  const lesser = weights.map((weight, clip) => Math.min(weight, byNeighbours[clip] as number));
  return {
    weights: lesser,
    nearest: neighbours.map(({ similarities }) => similarities[0] ?? 0),
    candidates: groupByVideo({
      queryStartsSeconds: startsSeconds,
      neighbours,
      segments,
      weights: lesser,
      binSeconds: hopSeconds,
    }),
  };
}

/** Candidates of two variants of one query, most votes first, each video once and with the offsets of both. */
function merged(one: readonly Candidate[], other: readonly Candidate[]): Candidate[] {
  if (one.length === 0) return [...other];
  const byVideo = new Map(one.map((candidate) => [candidate.videoId, candidate]));
  for (const candidate of other) {
    const known = byVideo.get(candidate.videoId);
    byVideo.set(candidate.videoId, known ? better(known, candidate) : candidate);
  }
  return [...byVideo.values()].sort((a, b) => b.votes - a.votes);
}

function better(one: Candidate, other: Candidate): Candidate {
  const [first, second] = one.votes >= other.votes ? [one, other] : [other, one];
  return {
    ...first,
    highestVote: Math.max(first.highestVote, second.highestVote),
    offsetsSeconds: [...new Set([...first.offsetsSeconds, ...second.offsetsSeconds])],
  };
}

/** Some of the query's clips. */
function clipsOf(
  query: EmbeddedQuery,
  { embeddings, track }: QueryVariant,
  rows: readonly number[],
): QueryClips {
  return {
    startsSeconds: rows.map((row) => query.startsSeconds[row] as number),
    embeddings: rowsOf(embeddings, rows, track.dimension),
    weights: Float64Array.from(rows, (row) => query.weights[row] as number),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
