import type { ModelManifest } from '../../encoder/manifest.js';
import type { Library } from '../../library/types.js';
import type { Span } from '../../span.js';
import { embedStoredQuery } from '../embed-stored-query.js';
import { matchVideo } from '../match-video.js';

/** Two encodings of the same footage: no other take of a scene was ever so near in what stays and in what changes. */
const COPY_SIMILARITY = 0.95;
const COPY_CORRELATION = 0.93;

/**
 * True when a part of a video stands in another one as it is, too: as a negative it would teach that what is as like as a source is none. Both are
 * compared by their stored features, before any edit.
 */
export async function standsIn(
  parts: { library: Library; manifest: ModelManifest },
  { videoId, part }: { videoId: number; part: Span },
  otherVideoId: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const query = await embedStoredQuery(parts.library, parts.manifest, { kind: 'video', videoId, ...part });
  const { evidence } = (await matchVideo(parts, query, otherVideoId, signal)) ?? {};
  return (
    evidence !== undefined &&
    evidence.similarity >= COPY_SIMILARITY &&
    (evidence.changeCorrelation ?? 1) >= COPY_CORRELATION
  );
}
