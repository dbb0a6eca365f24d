import { CliptraceError } from '../errors.js';
import type { Library, Video, VideoStretch } from '../library/types.js';
import { Turns } from '../turns.js';
import { type Alignment, align } from './alignment.js';
import type { Candidate } from './candidates.js';
import { type ClipTrack, clipTrackOf } from './clip-track.js';
import { coarseScore } from './coarse-match.js';
import type { ClipShape, EmbeddedQuery, QueryVariant } from './embedded-query.js';
import { SimilarityField } from './similarity-field.js';

/** A place in a video where the query may come from. */
export interface AlignedHit {
  video: Video;
  alignment: Alignment;
  mirrored: boolean;
  /** What the alignment was found in. */
  field: SimilarityField;
}

/** Videos up to this length are aligned as a whole; of longer ones, the parts that the neighbours point at. */
const WHOLE_VIDEO_SECONDS = 60;
const OFFSET_TOLERANCE_SECONDS = 2;
/** Candidates, best first, for which other speeds are tried: that takes ten times as long. */
const SPEED_CANDIDATES = 8;
/** Candidates that are aligned beyond those asked for: of 360 edited parts this changed the first hit of none, and left out only hits with scores below 0.1. */
const EXTRA_ALIGNED = 8;
/** How much more similar the mirror image must be. */
const MIRROR_MARGIN = 0.004;
/** Where between what unrelated clips have in common and what the query reaches a match begins, and down to where it goes on. */
const THRESHOLD_SHARE = 0.5;
const EDGE_SHARE = 0.3;
/** Of the query's clips, so many may be of something that no candidate shows (an intro). */
const LEVEL_QUANTILE = 0.75;
/** Below every cosine: the whole query lies on its best line, and has nothing to choose. */
const NO_THRESHOLDS = { threshold: -1, edgeThreshold: -1, lines: 1 };

export interface MatchThresholds {
  threshold: number;
  edgeThreshold: number;
}

/** What counts as a match for this query: an edit that changes every clip lowers what can be expected of its source. */
export function matchThresholds(nearest: readonly number[], unrelatedSimilarity: number): MatchThresholds {
  const sorted = [...nearest].sort((a, b) => a - b);
  const level = sorted[Math.floor(sorted.length * LEVEL_QUANTILE)] ?? 1;
  const above = (share: number) => unrelatedSimilarity + share * (level - unrelatedSimilarity);
  return { threshold: above(THRESHOLD_SHARE), edgeThreshold: above(EDGE_SHARE) };
}

/** Aligns the candidates with every variant of the query; of the variants, the one with the most evidence stays. */
export async function alignCandidates(input: {
  library: Library;
  modelId: string;
  shape: ClipShape;
  query: EmbeddedQuery;
  candidates: readonly { candidate: Candidate; video: Video }[];
  unrelatedSimilarity: number;
  /** Videos that are asked for: a few more are aligned, and the rest of the candidates is left out. */
  wanted: number;
  perVideo: number;
  signal?: AbortSignal | undefined;
}): Promise<AlignedHit[]> {
  const { query } = input;
  const turns = new Turns();
  const all = await compareAll(input, turns);
  const nearest = ofOwnClips(nearestOf(all), query.weights);
  const thresholds = matchThresholds(nearest, input.unrelatedSimilarity);
  const compared = mostPromising(all, thresholds.edgeThreshold, input.wanted + EXTRA_ALIGNED);
  const capped = compared.map((video) => withCap(video, thresholds.threshold));
  const aligned: AlignedHit[][] = [];
  for (const [i, video] of compared.entries()) {
    const best = bestVariant(alignVariants(input, capped[i] as ComparedVideo, thresholds, false));
    // What merely resembles the query is an answer, too, when there is no better one; it may do so in boilerplate.
    aligned.push(
      best.length > 0 ? best : (alignVariants(input, video, NO_THRESHOLDS, false)[0] as AlignedHit[]),
    );
    await turns.give();
  }
  const order = [...aligned.keys()].sort((a, b) => topScore(aligned[b]) - topScore(aligned[a]));
  const most = Math.max(0, ...aligned.map(evidence));
  for (const i of order.slice(0, SPEED_CANDIDATES)) {
    // At another speed, too, it would hardly match better than the best does at its own.
    if (i !== order[0] && evidenceAtMost(capped[i] as ComparedVideo, thresholds.threshold) <= most) continue;
    const best = bestVariant(alignVariants(input, capped[i] as ComparedVideo, thresholds, true));
    if (best.length > 0) aligned[i] = best;
    await turns.give();
  }
  return aligned.flat();
}

/** The candidates that come first when only whole clips are compared, in the order of the candidates. */
function mostPromising(compared: readonly ComparedVideo[], threshold: number, most: number): ComparedVideo[] {
  if (compared.length <= most) return [...compared];
  const scores = compared.map(({ variants }) =>
    Math.max(
      ...variants.flatMap(({ fields }) =>
        // Of a part that matches, or of the whole query where none does: as it is aligned then.
        fields.map(({ field }) =>
          Math.max(coarseScore(field, threshold), coarseScore(field, NO_THRESHOLDS.threshold)),
        ),
      ),
    ),
  );
  const order = [...compared.keys()].sort((a, b) => (scores[b] as number) - (scores[a] as number));
  const chosen = new Set(order.slice(0, most));
  return compared.filter((_, i) => chosen.has(i));
}

/** Candidates whose features are read at once: a few milliseconds. */
const READ_AT_ONCE = 8;

async function compareAll(input: Input, turns: Turns): Promise<ComparedVideo[]> {
  const { library, modelId, shape, query, candidates, signal } = input;
  const compared: ComparedVideo[] = [];
  for (let first = 0; first < candidates.length; first += READ_AT_ONCE) {
    if (signal?.aborted) throw new CliptraceError('CANCELLED', 'The search was cancelled');
    const some = candidates.slice(first, first + READ_AT_ONCE);
    const wanted = some.map(({ candidate, video }) => stretchesOf(query, candidate, video));
    const tracks = await library.tracksOf(modelId, wanted.flat());
    let at = 0;
    for (const [i, { video }] of some.entries()) {
      const stretches = wanted[i] as Stretch[];
      const read = stretches.map(({ within, near }, k) => ({
        track: clipTrackOf(tracks[at + k] as (typeof tracks)[number], shape, within),
        near,
      }));
      at += stretches.length;
      compared.push(compare(query, video, read));
    }
    await turns.give();
  }
  return compared;
}

/** Similarity of what matches, times the share of the query that does. [0, 1] */
function roughScore({ alignment, field }: AlignedHit): number {
  const seconds = field.query.endSeconds - field.query.startSeconds;
  const share = Math.min(1, alignment.matchedSeconds / seconds);
  return Math.min(1, Math.max(0, alignment.similarity * share));
}

interface VideoTrack {
  track: ClipTrack;
  near: { offsetsSeconds: number[]; toleranceSeconds: number } | undefined;
}

/** A video, or the parts of it that may hold the query, beside each variant of the query. */
interface ComparedVideo {
  video: Video;
  /** In the order of the query's variants. */
  variants: { mirrored: boolean; fields: { field: SimilarityField; near: VideoTrack['near'] }[] }[];
}

function compare(query: EmbeddedQuery, video: Video, tracks: readonly VideoTrack[]): ComparedVideo {
  return {
    video,
    variants: query.variants.map(({ track: queryTrack, mirrored }) => ({
      mirrored,
      fields: tracks.map(({ track, near }) => ({ field: new SimilarityField(queryTrack, track), near })),
    })),
  };
}

/** The same, where boilerplate is at most so similar. */
function withCap({ video, variants }: ComparedVideo, cap: number): ComparedVideo {
  return {
    video,
    variants: variants.map(({ mirrored, fields }) => ({
      mirrored,
      fields: fields.map(({ field, near }) => ({ field: field.withCap(cap), near })),
    })),
  };
}

/** Hardly any line through its fields has more. */
function evidenceAtMost({ variants }: ComparedVideo, threshold: number): number {
  const fields = variants.flatMap((variant) => variant.fields);
  return Math.max(0, ...fields.map(({ field }) => field.evidenceAtMost(threshold)));
}

/** What stands everywhere is near whatever the edit. All of them where the query is nothing else. */
function ofOwnClips(nearest: readonly number[], weights: Float64Array): number[] {
  const own = nearest.filter((_, clip) => (weights[clip] as number) > 0);
  return own.length > 0 ? own : [...nearest];
}

/** Of each of the query's clips, the similarity to the nearest clip of all videos, whichever variant it is of. */
function nearestOf(compared: readonly ComparedVideo[]): number[] {
  const nearest: number[] = [];
  for (const { variants } of compared) {
    for (const { field } of variants.flatMap(({ fields }) => fields)) {
      field.bestSimilarities().forEach((similarity, clip) => {
        nearest[clip] = Math.max(nearest[clip] ?? similarity, similarity);
      });
    }
  }
  return nearest;
}

type Input = Parameters<typeof alignCandidates>[0];

type Stretch = VideoStretch & Pick<VideoTrack, 'near'>;

/** What of a candidate is aligned. */
function stretchesOf(query: EmbeddedQuery, candidate: Candidate, video: Video): Stretch[] {
  const videoId = video.id;
  if (video.durationSeconds <= WHOLE_VIDEO_SECONDS) {
    return [{ videoId, within: { startSeconds: 0, endSeconds: video.durationSeconds }, near: undefined }];
  }
  const [plain] = query.variants as [QueryVariant];
  const seconds = plain.track.endSeconds - plain.track.startSeconds;
  // At half or twice the speed the query covers as much less or more, on both sides of its middle.
  const margin = OFFSET_TOLERANCE_SECONDS + seconds / 2;
  const stretches: Stretch[] = [];
  for (const offset of candidate.offsetsSeconds) {
    const startSeconds = Math.max(0, plain.track.startSeconds + offset - margin);
    const endSeconds = Math.min(video.durationSeconds, plain.track.endSeconds + offset + margin);
    if (endSeconds <= startSeconds) continue;
    const near = { offsetsSeconds: [offset], toleranceSeconds: OFFSET_TOLERANCE_SECONDS };
    stretches.push({ videoId, within: { startSeconds, endSeconds }, near });
  }
  return stretches;
}

/** For each variant, its alignments with the video, best first. */
function alignVariants(
  { query, perVideo }: Input,
  { video, variants }: ComparedVideo,
  thresholds: MatchThresholds & { lines?: number },
  anySpeed: boolean,
): AlignedHit[][] {
  return variants.map(({ mirrored, fields }) => {
    const found = fields.flatMap(({ field, near }) =>
      align({
        field,
        ...thresholds,
        maxAlignments: perVideo,
        near,
        anySpeed,
        cutsSeconds: query.cutsSeconds,
      }).map((alignment) => ({ video, alignment, mirrored, field })),
    );
    return distinct(found.sort((a, b) => b.alignment.evidence - a.alignment.evidence)).slice(0, perVideo);
  });
}

/** The mirror image must fit clearly better than what is upright. */
function bestVariant(found: readonly AlignedHit[][]): AlignedHit[] {
  let best: AlignedHit[] = [];
  for (const hits of found) {
    const [first, known] = [hits[0], best[0]];
    if (!first) continue;
    const needed = first.mirrored && known ? MIRROR_MARGIN * known.alignment.matchedSeconds : 0;
    if (first.alignment.evidence > evidence(best) + needed) best = hits;
  }
  return best;
}

function topScore(hits: readonly AlignedHit[] | undefined): number {
  return hits?.[0] ? roughScore(hits[0]) : 0;
}

function evidence(hits: readonly AlignedHit[] | undefined): number {
  return hits?.[0]?.alignment.evidence ?? 0;
}

/** Leaves out what covers the same part as a better one: windows overlap. */
function distinct(hits: readonly AlignedHit[]): AlignedHit[] {
  return hits.filter(
    ({ alignment }, i) =>
      !hits
        .slice(0, i)
        .some(
          (better) =>
            Math.abs(better.alignment.offsetSeconds - alignment.offsetSeconds) < OFFSET_TOLERANCE_SECONDS,
        ),
  );
}
