import type { SqliteLibrary } from '../../index/library/sqlite-library.js';
import type { ClipWatch, WatchEmbedding, WatchInput } from '../../index/library/watch-types.js';
import type { EmbeddedQuery } from '../../index/search/embedded-query.js';
import { unitVectors } from '../vectors/vectors.js';
import { MODEL } from './library-inputs.js';

/** A clip of so many looks. */
export function embedding(looks = 2, clips = 3): WatchEmbedding {
  const { dimension, timesteps } = MODEL;
  const startsSeconds = Array.from({ length: clips }, (_, i) => i * 0.25);
  const weights = Float64Array.from(startsSeconds, (_, i) => (i === 1 ? 0.25 : 1));
  const query: EmbeddedQuery = {
    startsSeconds,
    weights,
    cutsSeconds: [0.4],
    decodeMs: 0,
    encodeMs: 0,
    videoId: null,
    variants: Array.from({ length: looks }, (_, look) => ({
      mirrored: look === looks - 1 && looks > 1,
      embeddings: unitVectors(clips, dimension, look + 1),
      track: {
        ...{ dimension, timesteps, clipSeconds: 2, startSeconds: 0, endSeconds: 2.5 },
        startsSeconds: Float64Array.from(startsSeconds),
        weights,
        features: unitVectors(clips * timesteps, dimension, look + 100),
      },
    })),
  };
  return { modelId: MODEL.id, query };
}

export function makeWatch(
  { watches }: SqliteLibrary,
  change: Partial<WatchInput> = {},
  maxWatches = 100,
): Promise<ClipWatch> {
  const source = {
    kind: 'video',
    videoId: 1,
    contentHash: 'x',
    startSeconds: null,
    endSeconds: 1.5,
  } as const;
  const input = { name: 'a', collection: null, threshold: 0.5, url: 'https://x.test/', secret: 's', source };
  return watches.create({ ...input, ...change }, embedding(), maxWatches);
}
