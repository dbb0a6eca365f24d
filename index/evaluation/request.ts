import { z } from 'zod';
import { PROTOCOL_EDITS } from './edits/edit-pairs.js';
import { EDIT_NAMES } from './edits/types.js';
import { type EvaluationRequest, PROTOCOLS, type Protocol, RANKINGS } from './types.js';

const MAX_K = 10_000;
const DEFAULT_PARTS = 40;
const DEFAULT_ANN_QUERIES = 200;
const DEFAULT_EFS = [16, 32, 64, 128, 256, 512];
const DEFAULT_TARGET_RECALL = 0.99;
const DEFAULT_PAIRS_PER_PART = 4;
/** What a search gives at most. */
const MAX_SEARCH_K = 200;

const text = z.string().max(100);

/** Fields that some protocols have no use for. */
const ONLY_FOR = {
  ranking: ['labels'],
  queriesCsv: ['labels'],
  maxQueries: ['labels'],
  pairsCsv: ['pairs'],
  partCount: ['edits'],
  edits: ['edits'],
  pairsPerPart: ['edits'],
  queryCount: ['ann'],
  efs: ['ann'],
  targetRecall: ['ann'],
} as const satisfies Record<string, readonly Protocol[]>;

/** The fields of an evaluation as people ask for it: the body of the HTTP request, and the flags of the command. */
export const evaluationFields = {
  protocol: z
    .enum(PROTOCOLS)
    .describe(
      '`labels`: a query counts at k when one of its k nearest other videos has its label. `edits`: parts of the library are edited and searched as uploads; a query counts at k when its source is among the first k hits. `pairs`: the same for the queries and targets of a CSV. `ann`: the index against exact search, at each ef.',
    ),
  collection: text.min(1).optional().describe('Only this collection; the whole library by default.'),
  k: z
    .array(z.int().min(1).max(MAX_K))
    .min(1)
    .max(50)
    .default([1, 5, 10, 20])
    .describe('recall@k is reported for each.'),
  ranking: z
    .enum(RANKINGS)
    .optional()
    .describe(
      'Of `labels`. `embedding` (default): by the cosine of the mean embeddings of two videos, exactly; `search`: as POST /search orders them (k up to 200).',
    ),
  queriesCsv: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Of `labels`: text of a CSV with lines "video,split". The video: its path, the end of its path, its id or title. The split: ' +
        '`query` or `test` for queries, `gallery` or `train` for those they are answered from. Without it each video asks all others.',
    ),
  pairsCsv: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Of `pairs`: text of a CSV with lines "query,target" or "query,target,start,end". The query: a video of the library, or ' +
        'the absolute path of a file; the target: a video, named as in `queriesCsv`; start and end: seconds in the target.',
    ),
  partCount: z
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe('Of `edits`: parts of videos that are cut, each edited by every edit; default 40.'),
  edits: z
    .array(z.enum(EDIT_NAMES))
    .min(1)
    .optional()
    .describe('Of `edits`: those to make; by default all but subtitles and missing-middle.'),
  pairsPerPart: z
    .int()
    .min(0)
    .max(1000)
    .optional()
    .describe('Of `edits`: pairs of edits that each part gets besides; they take turns; default 4.'),
  queryCount: z.int().min(1).max(100_000).optional().describe('Of `ann`: queries to ask; default 200.'),
  efs: z
    .array(z.int().min(1).max(100_000))
    .min(1)
    .max(50)
    .optional()
    .describe('Of `ann`: numbers of candidates to try; default 16, 32, 64, 128, 256 and 512.'),
  targetRecall: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe('Of `ann`: the recall that the chosen ef is to reach; default 0.99.'),
  against: z
    .int()
    .min(1)
    .optional()
    .describe(
      'Id of an earlier evaluation to compare with, query by query: of another model or state of the library.',
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

export const evaluationBody = z.strictObject(evaluationFields).superRefine((body, context) => {
  for (const [name, protocols] of Object.entries(ONLY_FOR)) {
    if (
      body[name as keyof typeof ONLY_FOR] === undefined ||
      (protocols as readonly Protocol[]).includes(body.protocol)
    )
      continue;
    context.addIssue({ code: 'custom', path: [name], message: `is not for the protocol "${body.protocol}"` });
  }
  const searches = body.protocol === 'edits' || body.protocol === 'pairs' || body.ranking === 'search';
  if (searches && Math.max(...body.k) > MAX_SEARCH_K) {
    context.addIssue({
      code: 'custom',
      path: ['k'],
      message: `must be at most ${MAX_SEARCH_K} where the search is asked`,
    });
  }
  if (body.protocol === 'pairs' && body.pairsCsv === undefined) {
    context.addIssue({ code: 'custom', path: ['pairsCsv'], message: 'is needed by the protocol "pairs"' });
  }
});

export type EvaluationBody = z.output<typeof evaluationBody>;

/** What a request may read besides the library. */
export interface RequestPlace {
  /** Where relative paths in a CSV start. */
  baseFolder: string | null;
  /** Real paths of the folders that queries may be read from; null: anywhere. */
  queryRoots: readonly string[] | null;
}

export function requestOf(body: EvaluationBody, { baseFolder, queryRoots }: RequestPlace): EvaluationRequest {
  const common = {
    against: body.against === undefined ? null : { evaluationId: body.against },
    collection: body.collection ?? null,
    k: [...new Set(body.k)].sort((a, b) => a - b),
    seed: body.seed,
    resamples: body.resamples,
  };
  switch (body.protocol) {
    case 'labels':
      return {
        ...common,
        protocol: 'labels',
        ranking: body.ranking ?? 'embedding',
        splitCsv: body.queriesCsv ?? null,
        baseFolder,
        maxQueries: body.maxQueries ?? null,
      };
    case 'edits':
      return {
        ...common,
        protocol: 'edits',
        partCount: body.partCount ?? DEFAULT_PARTS,
        edits: [...new Set(body.edits ?? PROTOCOL_EDITS)],
        pairsPerPart: body.pairsPerPart ?? DEFAULT_PAIRS_PER_PART,
      };
    case 'ann':
      return {
        protocol: 'ann',
        collection: common.collection,
        against: common.against,
        seed: body.seed,
        resamples: body.resamples,
        queryCount: body.queryCount ?? DEFAULT_ANN_QUERIES,
        efs: [...new Set(body.efs ?? DEFAULT_EFS)].sort((a, b) => a - b),
        targetRecall: body.targetRecall ?? DEFAULT_TARGET_RECALL,
      };
    case 'pairs':
      return {
        ...common,
        protocol: 'pairs',
        pairsCsv: body.pairsCsv as string,
        baseFolder,
        queryRoots: queryRoots === null ? null : [...queryRoots],
      };
  }
}
