import { findVideo } from '../http/found.js';
import { defineRoute } from '../http/route.js';
import { presentAnswer } from '../present/search-answer.js';
import { idPath } from '../schemas/common.js';
import { searchAnswer, similarQuery } from '../schemas/search.js';
import { QUERY_ERRORS } from './search/errors.js';
import { allowedFilter } from './search/json-search.js';

export const similarVideos = defineRoute({
  name: 'similarVideos',
  method: 'get',
  address: '/videos/{id}/similar',
  scope: 'search',
  summary: 'Other videos that share footage with a video, or look and move like it',
  path: idPath,
  query: similarQuery,
  answers: { 200: { description: 'Hits, best first.', schema: searchAnswer } },
  errors: QUERY_ERRORS,
  handle: async ({ services, principal, path, query, signal, links }) => {
    const { id: videoId } = await findVideo(services.cliptrace, principal, path.id);
    const filter = await allowedFilter({ services, principal }, query, true);
    const { k, minScore, collapse, cursor, startSeconds, endSeconds } = query;
    const answer = await services.cliptrace.searcher.search({
      query: { kind: 'video', videoId, startSeconds, endSeconds },
      ...{ k, minScore, collapse, cursor, signal },
      ...filter,
      excludeSelf: true,
    });
    return { status: 200, body: presentAnswer(answer, links) };
  },
});
