import type { z } from 'zod';
import type { SearchAnswer } from '../../index/search/types.js';
import { defineRoute, type RouteContext } from '../http/route.js';
import { presentAnswer } from '../present/search-answer.js';
import { searchAnswer, searchByVideo, searchFields } from '../schemas/search.js';
import { QUERY_ERRORS, UPLOADED_QUERY_ERRORS } from './search/errors.js';
import { allowedFilter, runJsonSearch } from './search/json-search.js';

/** 64 embeddings of 8192 numbers with all their digits. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

type Context = RouteContext<object, object, z.output<typeof searchByVideo>, z.output<typeof searchFields>>;

export const search = defineRoute({
  name: 'search',
  method: 'post',
  address: '/search',
  scope: 'search',
  summary: 'Find where a clip comes from and what looks and moves like it',
  description:
    'The query is an uploaded clip (multipart, part `clip`), or JSON: a video of the library (`videoId`), embeddings ' +
    '(`embeddings`, `modelId`), or examples (`like`, `unlike`). An uploaded clip is removed when the answer is sent.',
  json: searchByVideo,
  maxJsonBytes: MAX_BODY_BYTES,
  multipart: { fileField: 'clip', fileDescription: 'The clip to search with.', fields: searchFields },
  answers: { 200: { description: 'Hits, best first.', schema: searchAnswer } },
  errors: [...UPLOADED_QUERY_ERRORS, ...QUERY_ERRORS],
  admit: ({ decodes }) => decodes.check(),
  handle: async (context) => {
    const { services, principal, json, signal, links } = context;
    const answer =
      context.upload === undefined
        ? await runJsonSearch({ services, principal, signal }, json as NonNullable<typeof json>)
        : await byUpload(context);
    services.metrics.search(answer.timings);
    return { status: 200, body: presentAnswer(answer, links) };
  },
});

async function byUpload({ services, principal, upload, signal }: Context): Promise<SearchAnswer> {
  const { file, fields } = upload as NonNullable<Context['upload']>;
  const filter = await allowedFilter({ services, principal }, fields, true);
  const { k, minScore, collapse, cursor, perVideo, explain, startSeconds, endSeconds } = fields;
  const query = { kind: 'file', filePath: file.path, startSeconds, endSeconds } as const;
  return services.decodes.run(signal, () =>
    services.cliptrace.searcher.search({
      ...{ query, k, minScore, collapse, cursor, perVideo, explain, signal },
      ...filter,
    }),
  );
}
