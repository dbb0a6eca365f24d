import type { Library } from '../library/types.js';
import { dot } from '../vectors/dot.js';
import type { SearchHit } from './types.js';

/** Mean similarity of the segments of two hits from which they show the same. */
const SAME_SIMILARITY = 0.97;

/** Leaves of hits that show the same footage only the best; the others go along with it, best first. */
export async function collapseDuplicates(
  { library, modelId, dimension }: { library: Library; modelId: string; dimension: number },
  hits: readonly SearchHit[],
): Promise<SearchHit[]> {
  const kept: { hit: SearchHit; vectors: Float32Array; duplicates: SearchHit[] }[] = [];
  for (const hit of hits) {
    const segments = await library.segmentsOf(hit.video.id, modelId, hit);
    const { vectors } = await library.vectorsOf(segments.map(({ id }) => id));
    const twin = kept.find(
      (other) =>
        other.hit.video.id !== hit.video.id && alike(vectors, other.vectors, dimension) >= SAME_SIMILARITY,
    );
    if (twin) twin.duplicates.push(hit);
    else kept.push({ hit, vectors, duplicates: [] });
  }
  return kept.map(({ hit, duplicates }) => ({ ...hit, duplicates }));
}

/** Mean, over the segments of both, of the similarity to the nearest of the other. */
function alike(one: Float32Array, other: Float32Array, dimension: number): number {
  const [a, b] = [one.length / dimension, other.length / dimension];
  if (a === 0 || b === 0) return 0;
  const bestOfOne = new Float64Array(a).fill(-1);
  const bestOfOther = new Float64Array(b).fill(-1);
  for (let i = 0; i < a; i += 1) {
    for (let j = 0; j < b; j += 1) {
      const similarity = dot(one, i, other, j, dimension);
      if (similarity > (bestOfOne[i] as number)) bestOfOne[i] = similarity;
      if (similarity > (bestOfOther[j] as number)) bestOfOther[j] = similarity;
    }
  }
  return [...bestOfOne, ...bestOfOther].reduce((sum, value) => sum + value, 0) / (a + b);
}
