import type { z } from 'zod';
import { CliptraceError } from '../../../index/errors.js';
import type { VideoFilter } from '../../../index/library/video-filter.js';
import type { SearchAnswer, SearchQuery } from '../../../index/search/types.js';
import { may, type Principal } from '../../access/principal.js';
import { findVideo, requireCollection } from '../../http/found.js';
import { filterOf } from '../../schemas/filters.js';
import type { searchByVideo } from '../../schemas/search.js';
import type { Services } from '../../services.js';

interface Asker {
  services: Services;
  principal: Principal;
}

/** What is asked for, within what the asker may see. COLLECTION_NOT_FOUND, KEY_NOT_ALLOWED, REQUEST_INVALID. */
export async function allowedFilter(
  { services, principal }: Asker,
  given: Parameters<typeof filterOf>[0],
  isText: boolean,
): Promise<VideoFilter> {
  await requireCollection(services.cliptrace, principal, given.collection);
  if (given.pathPrefix !== undefined && !may(principal, 'admin')) {
    // Whoever may ask for prefixes can spell out every path.
    throw new CliptraceError(
      'KEY_NOT_ALLOWED',
      'pathPrefix needs a key of scope admin: paths are not for everyone.',
    );
  }
  return { ...filterOf(given, isText), collections: principal.collections ?? undefined };
}

/** A search that needs no decoding. The codes of QUERY_ERRORS. */
export async function runJsonSearch(
  { services, principal, signal }: Asker & { signal: AbortSignal },
  body: z.output<typeof searchByVideo>,
): Promise<SearchAnswer> {
  const filter = await allowedFilter({ services, principal }, body, false);
  for (const id of [body.videoId, ...(body.like ?? []), ...(body.unlike ?? [])]) {
    if (id !== undefined) await findVideo(services.cliptrace, principal, id);
  }
  const { k, minScore, collapse, cursor, perVideo, explain, excludeSelf } = body;
  return services.cliptrace.searcher.search({
    ...{ query: queryOf(body), k, minScore, collapse, cursor, perVideo, explain, excludeSelf, signal },
    ...filter,
  });
}

/** The schema lets exactly one kind of query pass. */
function queryOf(body: z.output<typeof searchByVideo>): SearchQuery {
  const { videoId, embeddings, modelId, like, unlike, startSeconds, endSeconds } = body;
  if (embeddings !== undefined && modelId !== undefined) return { kind: 'embeddings', modelId, embeddings };
  if (like !== undefined) return { kind: 'examples', like, unlike: unlike ?? [] };
  return { kind: 'video', videoId: videoId as number, startSeconds, endSeconds };
}
