import type { VideoStretch } from '../library/types.js';
import type { NumberMemory } from '../number-memory.js';
import { type Alignment, align } from './alignment.js';
import type { AlignedQuery, MatchThresholds, ShareCandidate } from './alignment-share.js';
import type { ClipTrack } from './clip-track.js';
import { coarseScore } from './coarse-match.js';
import { SimilarityField } from './similarity-field.js';

/** Videos up to this length are aligned as a whole; of longer ones, the parts that the neighbours point at. */
const WHOLE_VIDEO_SECONDS = 60;
const OFFSET_TOLERANCE_SECONDS = 2;
/** How much more similar the mirror image must be. */
const MIRROR_MARGIN = 0.004;
/** Below every cosine: the whole query lies on its best line, and has nothing to choose. */
const NO_THRESHOLDS = { threshold: -1, edgeThreshold: -1, lines: 1 };

/** What of a candidate is aligned, and where in it; anywhere unless told. */
export interface Stretch extends VideoStretch {
  near: { offsetsSeconds: number[]; toleranceSeconds: number } | undefined;
}

/** A place in a video where the query may come from. */
export interface FieldHit {
  alignment: Alignment;
  mirrored: boolean;
  /** What the alignment was found in. */
  field: SimilarityField;
}

interface LocatedField {
  field: SimilarityField;
  near: Stretch['near'];
}

interface FieldsOfVariant {
  mirrored: boolean;
  fields: LocatedField[];
}

/** What of a candidate is read. */
export function stretchesOf(
  query: AlignedQuery,
  { videoId, durationSeconds, offsetsSeconds }: ShareCandidate,
): Stretch[] {
  if (durationSeconds <= WHOLE_VIDEO_SECONDS) {
    return [{ videoId, within: { startSeconds: 0, endSeconds: durationSeconds }, near: undefined }];
  }
  const [plain] = query.variants as [AlignedQuery['variants'][number]];
  const seconds = plain.track.endSeconds - plain.track.startSeconds;
  // At half or twice the speed the query covers as much less or more, on both sides of its middle.
  const margin = OFFSET_TOLERANCE_SECONDS + seconds / 2;
  const stretches: Stretch[] = [];
  for (const offset of offsetsSeconds) {
    const startSeconds = Math.max(0, plain.track.startSeconds + offset - margin);
    const endSeconds = Math.min(durationSeconds, plain.track.endSeconds + offset + margin);
    if (endSeconds <= startSeconds) continue;
    const near = { offsetsSeconds: [offset], toleranceSeconds: OFFSET_TOLERANCE_SECONDS };
    stretches.push({ videoId, within: { startSeconds, endSeconds }, near });
  }
  return stretches;
}

/** A video, or the parts of it that may hold the query, beside each variant of the query. */
export class ComparedVideo {
  /** In the order of the query's variants. */
  readonly #variants: readonly FieldsOfVariant[];
  readonly #cutsSeconds: readonly number[];

  private constructor(variants: readonly FieldsOfVariant[], cutsSeconds: readonly number[]) {
    this.#variants = variants;
    this.#cutsSeconds = cutsSeconds;
  }

  static compare(
    { variants, cutsSeconds }: AlignedQuery,
    tracks: readonly { track: ClipTrack; near: Stretch['near'] }[],
    memory: NumberMemory,
  ): ComparedVideo {
    const fields = variants.map(({ track: queryTrack, mirrored }) => ({
      mirrored,
      fields: tracks.map(({ track, near }) => ({
        field: new SimilarityField(queryTrack, track, { memory }),
        near,
      })),
    }));
    return new ComparedVideo(fields, cutsSeconds);
  }

  /** The same, where boilerplate is at most so similar. */
  withCap(cap: number): ComparedVideo {
    const variants = this.#variants.map(({ mirrored, fields }) => ({
      mirrored,
      fields: fields.map(({ field, near }) => ({ field: field.withCap(cap), near })),
    }));
    return new ComparedVideo(variants, this.#cutsSeconds);
  }

  /** Whatever the variant. */
  fields(): SimilarityField[] {
    return this.#variants.flatMap(({ fields }) => fields.map(({ field }) => field));
  }

  /** Hardly any line through its fields has more. */
  evidenceAtMost(threshold: number): number {
    return Math.max(0, ...this.fields().map((field) => field.evidenceAtMost(threshold)));
  }

  /** What its score may come to, from whole clips alone. */
  coarseScore(threshold: number): number {
    // Of a part that matches, or of the whole query where none does: as it is aligned then.
    return Math.max(
      ...this.fields().map((field) =>
        Math.max(coarseScore(field, threshold), coarseScore(field, NO_THRESHOLDS.threshold)),
      ),
    );
  }

  /** Of the variants, the one with the most evidence; its alignments, best first. None where nothing is similar enough. */
  align(thresholds: MatchThresholds, perVideo: number, anySpeed: boolean): FieldHit[] {
    return bestVariant(this.#alignVariants(thresholds, perVideo, anySpeed));
  }

  /** The query as it is, however little it is like anything here. */
  alignAnyway(perVideo: number): FieldHit[] {
    return this.#alignVariants(NO_THRESHOLDS, perVideo, false)[0] as FieldHit[];
  }

  /** For each variant, its alignments with the video, best first. */
  #alignVariants(
    thresholds: MatchThresholds & { lines?: number },
    perVideo: number,
    anySpeed: boolean,
  ): FieldHit[][] {
    return this.#variants.map(({ mirrored, fields }) => {
      const found = fields.flatMap(({ field, near }) =>
        align({
          field,
          ...thresholds,
          maxAlignments: perVideo,
          near,
          anySpeed,
          cutsSeconds: this.#cutsSeconds,
        }).map((alignment) => ({ alignment, mirrored, field })),
      );
      return distinct(found.sort((a, b) => b.alignment.evidence - a.alignment.evidence)).slice(0, perVideo);
    });
  }
}

/** Of each of the query's clips, the similarity to the nearest clip of all videos, whichever variant it is of. */
export function nearestOf(compared: readonly ComparedVideo[]): number[] {
  return highestOfEach(compared.flatMap((video) => video.fields()).map((field) => field.bestSimilarities()));
}

/** Of each clip, the highest of its similarities in any of the lists. */
export function highestOfEach(lists: readonly ArrayLike<number>[]): number[] {
  const highest: number[] = [];
  for (const similarities of lists) {
    for (let clip = 0; clip < similarities.length; clip += 1) {
      const similarity = similarities[clip] as number;
      highest[clip] = Math.max(highest[clip] ?? similarity, similarity);
    }
  }
  return highest;
}

/** The mirror image must fit clearly better than what is upright. */
function bestVariant(found: readonly FieldHit[][]): FieldHit[] {
  let best: FieldHit[] = [];
  for (const hits of found) {
    const [first, known] = [hits[0], best[0]];
    if (!first) continue;
    const needed = first.mirrored && known ? MIRROR_MARGIN * known.alignment.matchedSeconds : 0;
    if (first.alignment.evidence > (known?.alignment.evidence ?? 0) + needed) best = hits;
  }
  return best;
}

/** Leaves out what covers the same part as a better one: windows overlap. */
function distinct(hits: readonly FieldHit[]): FieldHit[] {
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
