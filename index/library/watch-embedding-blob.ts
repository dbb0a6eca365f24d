import type { ClipShape, EmbeddedQuery } from '../search/embedded-query.js';
import { decodeFloat32, encodeFloat32 } from './feature-blobs.js';

interface Layout extends ClipShape {
  startsSeconds: number[];
  /** Of each clip. */
  weights: number[];
  cutsSeconds: number[];
  videoId: number | null;
  /** Of the part that is searched with. */
  startSeconds: number;
  endSeconds: number;
  /** One for each look at the clip. */
  mirrored: boolean[];
}

export interface StoredEmbedding {
  layoutJson: string;
  /** For each look its embeddings, [clips, dimension], then its timesteps, [clips, timesteps, dimension]; little-endian float32. */
  features: Buffer;
}

export function encodeEmbedding({
  startsSeconds,
  weights,
  cutsSeconds,
  videoId,
  variants,
}: EmbeddedQuery): StoredEmbedding {
  const [{ track }] = variants as [EmbeddedQuery['variants'][number]];
  const { dimension, timesteps, clipSeconds, startSeconds, endSeconds } = track;
  const layout: Layout = {
    ...{ dimension, timesteps, clipSeconds, startSeconds, endSeconds },
    ...{ startsSeconds, weights: [...weights], cutsSeconds, videoId },
    mirrored: variants.map(({ mirrored }) => mirrored),
  };
  const features = variants.flatMap((variant) => [
    encodeFloat32(variant.embeddings),
    encodeFloat32(variant.track.features),
  ]);
  return { layoutJson: JSON.stringify(layout), features: Buffer.concat(features) };
}

/** LIBRARY_DAMAGED unless the features are as long as the layout says. */
export function decodeEmbedding({ layoutJson, features }: StoredEmbedding): EmbeddedQuery {
  const layout = JSON.parse(layoutJson) as Layout;
  const { dimension, timesteps, clipSeconds, startSeconds, endSeconds, startsSeconds } = layout;
  const weights = Float64Array.from(layout.weights);
  const embeddingValues = startsSeconds.length * dimension;
  const lookValues = embeddingValues * (1 + timesteps);
  const values = new Float32Array(lookValues * layout.mirrored.length);
  decodeFloat32(features, values, 0, values.length);
  return {
    startsSeconds,
    weights,
    cutsSeconds: layout.cutsSeconds,
    videoId: layout.videoId,
    decodeMs: 0,
    encodeMs: 0,
    variants: layout.mirrored.map((mirrored, look) => {
      const first = look * lookValues;
      return {
        mirrored,
        embeddings: values.subarray(first, first + embeddingValues),
        track: {
          ...{ dimension, timesteps, clipSeconds, startSeconds, endSeconds },
          startsSeconds: Float64Array.from(startsSeconds),
          weights,
          features: values.subarray(first + embeddingValues, first + lookValues),
        },
      };
    }),
  };
}
