import { rowsOf } from '../vectors/rows.js';

/** Clips that are tried, as they are or as a mirror shows them, before all of them are. */
const PROBES = 3;
/** Above this similarity the library has the clip as it is, or a flipped copy of a scene that looks the same in a mirror. */
const SURELY_FOUND = 0.985;
/** The mirror image is worth a look when it is at most so much less similar than the query. */
const MIRROR_TOLERANCE = 0.003;

/** Similarity of each embedding, [rows, dimension], to the nearest segment that may be found; 0 when there is none. */
export type NearestSimilarities = (embeddings: Float32Array) => Promise<number[]>;

/** Whether the mirror image of a query may be what is to be found: a few of its clips are about as near to it as the query itself. */
export async function isMirrorPromising(input: {
  /** [clips, dimension], of the query as it is. */
  upright: Float32Array;
  /** Clips that may be tried; all unless told. */
  rows?: readonly number[] | undefined;
  dimension: number;
  /** Embeddings of these clips as a mirror shows them. Called only where the query itself leaves a doubt. */
  flipped(rows: readonly number[]): Promise<Float32Array>;
  nearestSimilarities: NearestSimilarities;
}): Promise<boolean> {
  const { upright, dimension, flipped, nearestSimilarities } = input;
  const { rows, similarity } = await probe(input.rows, upright, dimension, nearestSimilarities);
  if (similarity > SURELY_FOUND) return false;
  return mean(await nearestSimilarities(await flipped(rows))) >= similarity - MIRROR_TOLERANCE;
}

/** Whether a few clips, [clips, dimension], are so near to the library that no other look at them is needed. */
export async function isSurelyFound(
  embeddings: Float32Array,
  dimension: number,
  nearestSimilarities: NearestSimilarities,
): Promise<boolean> {
  if (embeddings.length === 0) return false;
  return (await probe(undefined, embeddings, dimension, nearestSimilarities)).similarity > SURELY_FOUND;
}

/** How near a few clips of [clips, dimension] are to the library, and which. */
async function probe(
  mayBeTried: readonly number[] | undefined,
  embeddings: Float32Array,
  dimension: number,
  nearestSimilarities: NearestSimilarities,
): Promise<{ rows: number[]; similarity: number }> {
  const choice = mayBeTried?.length ? mayBeTried : [...new Array(embeddings.length / dimension).keys()];
  const rows = spread(choice.length, PROBES).map((at) => choice[at] as number);
  return { rows, similarity: mean(await nearestSimilarities(rowsOf(embeddings, rows, dimension))) };
}

/** At most `count` of the numbers below `length`, from the middles of equal parts. */
function spread(length: number, count: number): number[] {
  const taken = Math.min(length, count);
  return Array.from({ length: taken }, (_, i) => Math.floor(((i + 0.5) * length) / taken));
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
