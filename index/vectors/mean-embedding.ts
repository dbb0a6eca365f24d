/** The mean of a video's segment embeddings, of unit norm; null when it has none (or they cancel out). */
export function meanEmbedding(vectors: Float32Array, dimension: number): Float32Array | null {
  const sums = new Float64Array(dimension);
  vectors.forEach((value, i) => {
    sums[i % dimension] = (sums[i % dimension] as number) + value;
  });
  const norm = Math.hypot(...sums);
  return norm > 1e-9 ? Float32Array.from(sums, (sum) => sum / norm) : null;
}
