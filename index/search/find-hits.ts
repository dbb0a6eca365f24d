import type { ModelManifest } from '../encoder/manifest.js';
import type { Library, SegmentFilter } from '../library/types.js';
import type { SegmentIndex } from '../vectors/types.js';
import { alignCandidates } from './align-candidates.js';
import type { Aligner } from './alignment-share.js';
import { ownThreadAligner } from './candidate-share.js';
import { clipShapeOf, type EmbeddedQuery, unrelatedSimilarityOf, withWeights } from './embedded-query.js';
import { findCandidates } from './find-candidates.js';
import { inOrder } from './hit-cursor.js';
import { toHit } from './present-hit.js';
import { scoreHits } from './score-hits.js';
import type { SearchHit } from './types.js';

export interface HitParts {
  library: Library;
  index: Pick<SegmentIndex, 'searchFiltered'>;
  manifest: ModelManifest;
  /** On the thread of the search unless told. */
  aligner?: Aligner | undefined;
}

/** From an embedded query to scored hits, in the order of an answer. */
export async function findHits(
  { library, index, manifest, aligner = ownThreadAligner(library) }: HitParts,
  query: EmbeddedQuery,
  request: {
    wanted: number;
    filter: SegmentFilter;
    /** Videos that the filter allows; where they are more than wanted, no matter how many. Asked for only where few were found. */
    allowedVideos: number | (() => Promise<number>);
    perVideo?: number | undefined;
    /** Hits may be joined to one: then more of them are needed, and every candidate is aligned. */
    collapses?: boolean | undefined;
    explain?: boolean | undefined;
    signal?: AbortSignal | undefined;
  },
): Promise<SearchHit[]> {
  const { candidates, weights } = await findCandidates(
    { library, index, hopSeconds: manifest.segmentHopSeconds },
    query,
    request,
  );
  const aligned = await alignCandidates(aligner, {
    modelId: manifest.id,
    shape: clipShapeOf(manifest),
    query: withWeights(query, weights),
    candidates,
    unrelatedSimilarity: unrelatedSimilarityOf(manifest),
    wanted: request.collapses ? candidates.length : request.wanted,
    perVideo: request.perVideo ?? 1,
    explain: request.explain ?? false,
    signal: request.signal,
  });
  const scored = await scoreHits({ library, modelId: manifest.id }, aligned);
  return scored.map(toHit).sort(inOrder);
}
