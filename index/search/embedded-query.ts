import type { ModelManifest } from '../encoder/manifest.js';
import type { ClipTrack } from './clip-track.js';

/** One way to look at a query: as it is, without its borders, as a mirror shows it. */
export interface QueryVariant {
  /** [clips, dimension] */
  embeddings: Float32Array;
  track: ClipTrack;
  mirrored: boolean;
}

/** What a query looks like to the search: clips for the index, timesteps for the alignment. */
export interface EmbeddedQuery {
  startsSeconds: number[];
  /** What a second of each clip counts for as far as the clip itself tells, [clips]: less where it shows black or a still picture. */
  weights: Float64Array;
  /** The first is the query as it is. */
  variants: QueryVariant[];
  /** Moments at which the picture changes at once, ascending; unknown (empty) for stored videos. */
  cutsSeconds: number[];
  decodeMs: number;
  encodeMs: number;
  /** The stored video that the query was taken from. */
  videoId: number | null;
}

export interface ClipShape {
  dimension: number;
  timesteps: number;
  clipSeconds: number;
}

export function clipShapeOf({
  dimension,
  timesteps,
  preprocessing,
}: Pick<ModelManifest, 'dimension' | 'timesteps' | 'preprocessing'>): ClipShape {
  return { dimension, timesteps, clipSeconds: preprocessing.frames / preprocessing.framesPerSecond };
}

const UNRELATED_SIMILARITY = 0.2;

/** Of timesteps of clips that have nothing in common: those that come out of an encoder share a direction, whitened ones do not. */
export function unrelatedSimilarityOf({ whitening }: Pick<ModelManifest, 'whitening'>): number {
  return whitening ? 0 : UNRELATED_SIMILARITY;
}

/** At most `count` items, evenly spread. */
export function thinOut<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)] as T);
}

/** The query with other weights. */
export function withWeights(query: EmbeddedQuery, weights: Float64Array): EmbeddedQuery {
  const variants = query.variants.map((variant) => ({ ...variant, track: { ...variant.track, weights } }));
  return { ...query, weights, variants };
}
