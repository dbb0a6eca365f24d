import type { z } from 'zod';
import { parse } from '../http/parse.js';
import { problemOf } from '../http/problem.js';
import { defineRoute } from '../http/route.js';
import { presentAnswer } from '../present/search-answer.js';
import {
  type SearchBatchAnswerJson,
  searchBatchAnswer,
  searchBatchBody,
  searchByVideo,
} from '../schemas/search.js';
import { QUERY_ERRORS } from './search/errors.js';
import { runJsonSearch } from './search/json-search.js';

/** A hundred searches by 64 embeddings each. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

export const searchBatch = defineRoute({
  name: 'searchBatch',
  method: 'post',
  address: '/search/batch',
  scope: 'search',
  summary: 'Several searches in one request, one answer each',
  description:
    'What is wrong with one search stands in its place and keeps none of the others from its answer.',
  json: searchBatchBody,
  maxJsonBytes: MAX_BODY_BYTES,
  answers: { 200: { description: 'An answer or a problem for each search.', schema: searchBatchAnswer } },
  errors: QUERY_ERRORS,
  handle: async ({ services, principal, json, signal, links, response }) => {
    const { searches } = json as NonNullable<typeof json>;
    const answers: SearchBatchAnswerJson['answers'] = [];
    for (const one of searches) {
      try {
        const body = parse(searchByVideo, one, 'search') as z.output<typeof searchByVideo>;
        const answer = await runJsonSearch({ services, principal, signal }, body);
        answers.push({ answer: presentAnswer(answer, links) });
      } catch (error) {
        if (signal.aborted) throw error;
        const requestId = String(response.getHeader('X-Request-Id') ?? '');
        answers.push({ problem: problemOf(error, requestId, (message) => message) });
      }
    }
    return { status: 200, body: { answers } };
  },
});
