import type { Library } from '../../library/types.js';
import { dot } from '../../vectors/dot.js';
import { COPY_SHARE, COPY_SIMILARITY } from '../boilerplate/repeated-segments.js';

/**
 * True when most of one video is near-identical to the other: a copy, an edit, or another take of one scene. As a negative it would teach that
 * what is as like as a source is none.
 */
export async function showSameScene(
  { library, modelId, dimension }: { library: Library; modelId: string; dimension: number },
  videoId: number,
  otherVideoId: number,
): Promise<boolean> {
  const one = await library.embeddingsOf(videoId, modelId);
  const other = await library.embeddingsOf(otherVideoId, modelId);
  const shareOf = (rows: Float32Array, among: Float32Array) => {
    const count = rows.length / dimension;
    let near = 0;
    for (let row = 0; row < count; row += 1) {
      for (let i = 0; i < among.length / dimension; i += 1) {
        if (dot(rows, row, among, i, dimension) < COPY_SIMILARITY) continue;
        near += 1;
        break;
      }
    }
    return count === 0 ? 0 : near / count;
  };
  return (
    shareOf(one.vectors, other.vectors) >= COPY_SHARE || shareOf(other.vectors, one.vectors) >= COPY_SHARE
  );
}
