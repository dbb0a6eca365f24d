import type { z } from 'zod';
import type { SearchAnswer, SearchQuery } from '../../index/search/types.js';
import { findVideo, requireCollection } from '../http/found.js';
import type { RouteContext } from '../http/route.js';
import { defineRoute } from '../http/route.js';
import { presentHit } from '../present/hit.js';
import type { MediaLinks } from '../present/media-links.js';
import { type SearchAnswerJson, searchAnswer, searchByVideo, searchFields } from '../schemas/search.js';

type Context = RouteContext<object, object, z.output<typeof searchByVideo>, z.output<typeof searchFields>>;

export const search = defineRoute({
  name: 'search',
  method: 'post',
  address: '/search',
  scope: 'search',
  summary: 'Find where a clip comes from and what looks and moves like it',
  description:
    'The query is an uploaded clip (multipart, part `clip`) or a video of the library (JSON, `videoId`). ' +
    'An uploaded clip is removed when the answer is sent.',
  json: searchByVideo,
  multipart: { fileField: 'clip', fileDescription: 'The clip to search with.', fields: searchFields },
  answers: { 200: { description: 'Hits, best first.', schema: searchAnswer } },
  errors: [
    'NOT_A_VIDEO',
    'CONTAINER_NOT_ALLOWED',
    'NO_VIDEO_STREAM',
    'NO_FRAMES',
    'CODEC_NOT_SUPPORTED',
    'VIDEO_ENCRYPTED',
    'DECODE_FAILED',
    'DECODE_TIMEOUT',
    'RESOLUTION_TOO_LARGE',
    'VIDEO_TOO_LONG',
    'RANGE_NOT_IN_VIDEO',
    'VIDEO_NOT_FOUND',
    'COLLECTION_NOT_FOUND',
    'INDEX_NOT_READY',
    'TOO_MANY_REQUESTS',
    'FFMPEG_NOT_FOUND',
    'FFMPEG_NOT_USABLE',
    'ENCODE_FAILED',
  ],
  admit: ({ decodes }) => decodes.check(),
  handle: async (context) => {
    await requireCollection(
      context.services.cliptrace,
      context.principal,
      (context.upload?.fields ?? context.json)?.collection,
    );
    const answer = context.upload === undefined ? await byVideo(context) : await byUpload(context);
    context.services.metrics.search(answer.timings);
    return { status: 200, body: present(answer, context.links) };
  },
});

async function byVideo({ services, principal, json, signal }: Context): Promise<SearchAnswer> {
  const { videoId, startSeconds, endSeconds, ...options } = json as NonNullable<Context['json']>;
  await findVideo(services.cliptrace, principal, videoId);
  const query: SearchQuery = { kind: 'video', videoId, startSeconds, endSeconds };
  const collections = principal.collections ?? undefined;
  return services.cliptrace.searcher.search({ query, ...options, collections, signal });
}

async function byUpload({ services, principal, upload, signal }: Context): Promise<SearchAnswer> {
  const { file, fields } = upload as NonNullable<Context['upload']>;
  const { startSeconds, endSeconds, ...options } = fields;
  const query: SearchQuery = { kind: 'file', filePath: file.path, startSeconds, endSeconds };
  const collections = principal.collections ?? undefined;
  return services.decodes.run(signal, () =>
    services.cliptrace.searcher.search({ query, ...options, collections, signal }),
  );
}

function present(answer: SearchAnswer, links: MediaLinks): SearchAnswerJson {
  const { decodeMs, encodeMs, searchMs, totalMs } = answer.timings;
  return {
    hits: answer.hits.map((hit) => presentHit(hit, links)),
    verdict: answer.verdict,
    model: { id: answer.model.id, dimension: answer.model.dimension },
    timings: { decodeMs, encodeMs, searchMs, totalMs },
    warnings: answer.warnings.map(({ code, message }) => ({ code, message })),
    annRecall: answer.annRecall ?? null,
  };
}
