import { z } from 'zod';
import { type EvaluationRequest, PROTOCOLS, RANKINGS } from './types.js';

const MAX_K = 10_000;
/** What a search gives at most. */
const MAX_SEARCH_K = 200;

const text = z.string().max(100);

/** The fields of an evaluation as people ask for it: the body of the HTTP request, and the flags of the command. */
export const evaluationFields = {
  protocol: z
    .enum(PROTOCOLS)
    .describe('`labels`: a query counts at k when one of its k nearest other videos has its label.'),
  collection: text.min(1).optional().describe('Only this collection; the whole library by default.'),
  k: z
    .array(z.int().min(1).max(MAX_K))
    .min(1)
    .max(50)
    .default([1, 5, 10, 20])
    .describe('recall@k is reported for each.'),
  ranking: z
    .enum(RANKINGS)
    .default('embedding')
    .describe(
      '`embedding`: by the cosine of the mean embeddings of two videos, exactly; `search`: as POST /search orders them (k up to 200).',
    ),
  queriesCsv: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Text of a CSV with lines "video,split". The video: its path, the end of its path, its id or title. The split: ' +
        '`query` or `test` for queries, `gallery` or `train` for those they are answered from. Without it each video asks all others.',
    ),
  maxQueries: z
    .int()
    .min(1)
    .max(10_000_000)
    .optional()
    .describe('Draws so many queries at most; all by default.'),
  seed: z.int().min(0).max(4_294_967_295).default(1).describe('Of what is drawn, and of the bootstrap.'),
  resamples: z
    .int()
    .min(100)
    .max(100_000)
    .default(1000)
    .describe('Of the bootstrap that gives the 95 % intervals.'),
};

export const evaluationBody = z
  .strictObject(evaluationFields)
  .refine(({ ranking, k }) => ranking !== 'search' || Math.max(...k) <= MAX_SEARCH_K, {
    path: ['k'],
    message: `must be at most ${MAX_SEARCH_K} with the ranking "search"`,
  });

export type EvaluationBody = z.output<typeof evaluationBody>;

/** @param baseFolder where relative paths in the CSV start */
export function requestOf(body: EvaluationBody, baseFolder: string | null): EvaluationRequest {
  const { collection, k, queriesCsv, maxQueries, ...rest } = body;
  return {
    ...rest,
    collection: collection ?? null,
    k: [...new Set(k)].sort((a, b) => a - b),
    splitCsv: queriesCsv ?? null,
    baseFolder,
    maxQueries: maxQueries ?? null,
  };
}
