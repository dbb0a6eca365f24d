import type { Video } from '../library/types.js';
import type {
  Aligner,
  AlignmentShare,
  MatchThresholds,
  Retried,
  SharedHit,
  Standing,
} from './alignment-share.js';
import { searchCancelled } from './candidate-share.js';
import type { Candidate } from './candidates.js';
import { highestOfEach } from './compared-video.js';
import type { ClipShape, EmbeddedQuery } from './embedded-query.js';
import { isTooShort, leastSeconds, lengthened, shortened } from './short-query.js';

/** A place in a video where the query may come from, and what speaks for it. */
export interface AlignedHit extends SharedHit {
  video: Video;
}

/** Candidates, best first, for which other speeds are tried: that takes ten times as long. */
const SPEED_CANDIDATES = 8;
/** Candidates that are aligned beyond those asked for: of 360 edited parts this changed the first hit of none, and left out only hits with scores below 0.1. */
const EXTRA_ALIGNED = 8;
/** Where between what unrelated clips have in common and what the query reaches a match begins, and down to where it goes on. */
const THRESHOLD_SHARE = 0.5;
const EDGE_SHARE = 0.3;
/** Of the query's clips, so many may be of something that no candidate shows (an intro). */
const LEVEL_QUANTILE = 0.75;

/** What counts as a match for this query: an edit that changes every clip lowers what can be expected of its source. */
export function matchThresholds(nearest: readonly number[], unrelatedSimilarity: number): MatchThresholds {
  const sorted = [...nearest].sort((a, b) => a - b);
  const level = sorted[Math.floor(sorted.length * LEVEL_QUANTILE)] ?? 1;
  const above = (share: number) => unrelatedSimilarity + share * (level - unrelatedSimilarity);
  return { threshold: above(THRESHOLD_SHARE), edgeThreshold: above(EDGE_SHARE) };
}

/** Aligns the candidates with every variant of the query; of the variants, the one with the most evidence stays. */
export async function alignCandidates(
  aligner: Aligner,
  input: {
    modelId: string;
    shape: ClipShape;
    query: EmbeddedQuery;
    candidates: readonly { candidate: Candidate; video: Video }[];
    unrelatedSimilarity: number;
    /** Videos that are asked for: a few more are aligned, and the rest of the candidates is left out. */
    wanted: number;
    perVideo: number;
    explain: boolean;
    signal?: AbortSignal | undefined;
  },
): Promise<AlignedHit[]> {
  const { query, candidates, signal } = input;
  if (candidates.length === 0) return [];
  const shares = new Shares(aligner, input);
  try {
    const nearest = ofOwnClips(await shares.compare(), query.weights);
    const thresholds = matchThresholds(nearest, input.unrelatedSimilarity);
    const chosen = await mostPromising(shares, thresholds.edgeThreshold, input.wanted + EXTRA_ALIGNED);
    stopIfAborted(signal);
    const standings = await shares.align(chosen, thresholds);
    stopIfAborted(signal);
    const order = [...chosen.keys()].sort((a, b) => scoreAt(standings, b) - scoreAt(standings, a));
    const retried = order.slice(0, SPEED_CANDIDATES).map((position, rank) => ({
      candidate: chosen[position] as number,
      always: rank === 0,
    }));
    const mostEvidence = Math.max(0, ...standings.map(({ evidence }) => evidence));
    const hits = await shares.finish(chosen, retried, mostEvidence);
    return chosen.flatMap((candidate, i) => {
      const { video } = candidates[candidate] as (typeof candidates)[number];
      return (hits[i] as SharedHit[]).map((hit) => ({ video, ...asLongAsItIs(hit, query, video) }));
    });
  } finally {
    shares.close();
  }
}

type Input = Parameters<typeof alignCandidates>[1];

function asLongAsItIs(hit: SharedHit, { variants }: EmbeddedQuery, { durationSeconds }: Video): SharedHit {
  const track = variants[0]?.track;
  if (!track || !isTooShort(track)) return hit;
  const alignment = shortened(hit.alignment, track, durationSeconds);
  const matchedSeconds = Math.min(hit.evidence.matchedSeconds, alignment.matchedSeconds);
  return { ...hit, alignment, evidence: { ...hit.evidence, matchedSeconds } };
}

/** The candidates that come first when only whole clips are compared, in the order of the candidates. */
async function mostPromising(shares: Shares, threshold: number, most: number): Promise<number[]> {
  const all = Array.from({ length: shares.candidateCount }, (_, candidate) => candidate);
  if (all.length <= most) return all;
  const scores = await shares.coarseScores(threshold);
  const order = [...all].sort((a, b) => (scores[b] as number) - (scores[a] as number));
  const chosen = new Set(order.slice(0, most));
  return all.filter((candidate) => chosen.has(candidate));
}

/** What stands everywhere is near whatever the edit. All of them where the query is nothing else. */
function ofOwnClips(nearest: readonly number[], weights: Float64Array): number[] {
  const own = nearest.filter((_, clip) => (weights[clip] as number) > 0);
  return own.length > 0 ? own : [...nearest];
}

function scoreAt(standings: readonly { score: number }[], position: number): number {
  return standings[position]?.score ?? 0;
}

function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw searchCancelled();
}

/** The shares of a search as one: candidates go by their position in the search. */
class Shares {
  readonly #shares: readonly { share: AlignmentShare; positions: number[] }[];
  /** Of each candidate, which share has it and as which of its own. */
  readonly #places: { share: number; own: number }[] = [];

  constructor(aligner: Aligner, { modelId, shape, query, candidates, perVideo, explain, signal }: Input) {
    const isShort = query.variants.some(({ track }) => isTooShort(track));
    const request = {
      modelId,
      shape,
      query: {
        variants: query.variants.map(({ track, mirrored }) => ({ track: lengthened(track), mirrored })),
        cutsSeconds: query.cutsSeconds,
      },
      candidates: candidates.map(({ candidate, video }) => ({
        videoId: video.id,
        durationSeconds: isShort
          ? Math.max(video.durationSeconds, leastSeconds(shape))
          : video.durationSeconds,
        offsetsSeconds: candidate.offsetsSeconds,
      })),
      perVideo,
      explain,
    };
    this.#shares = aligner.share(request, signal);
    for (const [share, { positions }] of this.#shares.entries()) {
      for (const [own, position] of positions.entries()) this.#places[position] = { share, own };
    }
  }

  get candidateCount(): number {
    return this.#places.length;
  }

  async compare(): Promise<number[]> {
    return highestOfEach(await this.#ofEach((share) => share.compare()));
  }

  async coarseScores(edgeThreshold: number): Promise<number[]> {
    const found = await this.#ofEach((share) => share.coarseScores(edgeThreshold));
    return this.#places.map(({ share, own }) => found[share]?.[own] as number);
  }

  /** In the order of `chosen`, which is ascending. */
  async align(chosen: readonly number[], thresholds: MatchThresholds): Promise<Standing[]> {
    const found = await this.#ofEach((share, number) => {
      const own = chosen.flatMap((candidate) => this.#ownOf(number, candidate));
      return share.align(own, thresholds);
    });
    return this.#inOrder(chosen, found);
  }

  /** Of those that were chosen, in their order. */
  async finish(
    chosen: readonly number[],
    retried: readonly Retried[],
    mostEvidence: number,
  ): Promise<SharedHit[][]> {
    const found = await this.#ofEach((share, number) => {
      const own = retried.flatMap(({ candidate, always }) =>
        this.#ownOf(number, candidate).map((position) => ({ candidate: position, always })),
      );
      return share.finish(own, mostEvidence);
    });
    return this.#inOrder(chosen, found);
  }

  close(): void {
    for (const { share } of this.#shares) share.close();
  }

  async #ofEach<T>(work: (share: AlignmentShare, number: number) => Promise<T>): Promise<T[]> {
    return await Promise.all(this.#shares.map(({ share }, number) => work(share, number)));
  }

  /** Which of a share's own it is; none where another has it. */
  #ownOf(share: number, candidate: number): number[] {
    const place = this.#places[candidate];
    return place?.share === share ? [place.own] : [];
  }

  /** What each share answered for those of the chosen ones that it has, in the order of all. */
  #inOrder<T>(chosen: readonly number[], found: readonly T[][]): T[] {
    const next = found.map(() => 0);
    return chosen.map((candidate) => {
      const { share } = this.#places[candidate] as { share: number };
      const at = next[share] as number;
      next[share] = at + 1;
      return found[share]?.[at] as T;
    });
  }
}
