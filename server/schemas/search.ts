import { z } from 'zod';
import { VERDICTS } from '../../index/search/calibration/types.js';
import { id, seconds, url } from './common.js';
import { filterJson, filterText } from './filters.js';
import { problem } from './problem.js';

const paging = {
  k: z.int().min(1).max(200).default(10).describe('Hits wanted at most.'),
  minScore: z.number().min(0).max(1).default(0).describe('Leaves out hits with a lower score.'),
  collapse: z
    .enum(['duplicates'])
    .optional()
    .describe('`duplicates`: of hits that show the same footage only the best, with the others in it.'),
  cursor: z.string().min(1).max(500).optional().describe('`nextCursor` of the page before.'),
};

const common = {
  ...paging,
  perVideo: z.int().min(1).max(20).default(1).describe('Hits that one video may have.'),
  explain: z.boolean().default(false).describe('Adds to each hit what the alignment saw.'),
};

const range = {
  startSeconds: seconds.optional().describe('Start of the part of the query to search with.'),
  endSeconds: seconds.optional().describe('End of that part, exclusive.'),
};

interface Range {
  startSeconds?: number | undefined;
  endSeconds?: number | undefined;
}

const ordered = (range: Range) => (range.endSeconds ?? Number.POSITIVE_INFINITY) > (range.startSeconds ?? 0);
const orderedMessage = { path: ['endSeconds'], message: 'must be greater than startSeconds' };

export const searchFields = z
  .strictObject({ ...common, ...range, ...filterText })
  .refine(ordered, orderedMessage);

const examples = z.array(id).max(50);

export const searchByVideo = z
  .strictObject({
    videoId: id.optional().describe('Search with this video of the library.'),
    excludeSelf: z.boolean().default(false).describe('Leaves that video out of the hits.'),
    embeddings: z
      .array(z.array(z.number()).min(1).max(8192))
      .min(1)
      .max(64)
      .optional()
      .describe('Search with these embeddings, one for each clip, instead of a video.'),
    modelId: z.string().min(1).max(200).optional().describe('The model that made the embeddings.'),
    like: examples.min(1).optional().describe('Videos: more like these.'),
    unlike: examples.optional().describe('Videos: less like these.'),
    ...common,
    ...range,
    ...filterJson,
  })
  .refine(ordered, orderedMessage)
  .refine(
    (body) => [body.videoId, body.embeddings, body.like].filter((one) => one !== undefined).length === 1,
    {
      path: ['videoId'],
      message: 'or embeddings or like: one of the three must be given',
    },
  )
  .refine(({ embeddings, modelId }) => (embeddings === undefined) === (modelId === undefined), {
    path: ['modelId'],
    message: 'goes with embeddings, and they with it',
  })
  .refine(({ like, unlike }) => like !== undefined || unlike === undefined, {
    path: ['unlike'],
    message: 'goes with like',
  })
  .meta({ id: 'SearchByVideo' });

export const searchBatchBody = z
  .strictObject({
    searches: z
      .array(
        // Judged one by one, where they are answered.
        z.unknown().meta({
          anyOf: [{ $ref: '#/components/schemas/SearchByVideo' }, {}],
          description: 'Whatever else it is has a problem in its place in the answer.',
        }),
      )
      .min(1)
      .max(100)
      .describe('Each is answered on its own.'),
  })
  .meta({ id: 'SearchBatch' });

export const similarQuery = z
  .strictObject({ ...paging, ...range, ...filterText })
  .refine(ordered, orderedMessage);

const matchedPart = {
  startSeconds: z.number().min(0).describe('Start of the match in the video.'),
  endSeconds: z.number().min(0).describe('End of the match in the video, exclusive.'),
  queryStartSeconds: z.number().min(0).describe('Start of the match in the query.'),
  queryEndSeconds: z.number().min(0).describe('End of the match in the query, exclusive.'),
};

export const verdict = z.enum(VERDICTS);

export const searchExplanation = z
  .object({
    clipSeconds: z.number().min(0).describe('Length of a clip.'),
    queryStartsSeconds: z.array(z.number().min(0)).describe('Where each clip of the query starts.'),
    videoStartsSeconds: z
      .array(z.number().min(0))
      .describe('Where each clip of the video starts that was looked at.'),
    similarities: z
      .array(z.array(z.number()))
      .describe('Cosines: a row for each clip of the query, a column for each of the video.'),
    queryWeights: z
      .array(z.number().min(0).max(1))
      .describe('What a second of each clip of the query counts for: 1, less where it shows boilerplate.'),
    videoWeights: z.array(z.number().min(0).max(1)).describe('The same for each clip of the video.'),
    path: z
      .array(z.object({ querySeconds: z.number().min(0), videoSeconds: z.number().min(0) }))
      .describe('Start and end of each matching part.'),
  })
  .meta({ id: 'SearchExplanation' });

const hitFields = {
  video: z.object({
    id,
    title: z.string(),
    collection: z.string(),
    label: z.string().nullable(),
    durationSeconds: z.number().min(0),
  }),
  score: z.number().min(0).max(1).describe('Probability that query and hit share footage.'),
  verdict: verdict.describe('What the score means.'),
  similarity: z.number().min(0).max(1).describe('Mean similarity of what matches.'),
  boilerplate: z
    .number()
    .min(0)
    .max(1)
    .describe(
      'Share of what matches that shows boilerplate: black, stills, what stands in many videos. It counts for less in the score.',
    ),
  ...matchedPart,
  speed: z.number().min(0).describe('Seconds of the video that pass in one second of the query, 0.5 to 2.'),
  mirrored: z
    .boolean()
    .describe('The mirror image of the query fits clearly better. Found for uploads only.'),
  parts: z
    .array(z.object(matchedPart))
    .describe('The stretches that match, in order of time; several where the query leaves something out.'),
  thumbnailUrl: url.describe('A picture from the middle of the match.'),
  mediaUrl: url.describe('The video, with the match as a media fragment.'),
  explanation: searchExplanation.nullable().describe('Null unless `explain` is true.'),
};

const collapsedHit = z.object(hitFields).meta({ id: 'CollapsedHit' });

export const searchHit = z
  .object({
    ...hitFields,
    duplicates: z
      .array(collapsedHit)
      .optional()
      .describe('With `collapse`: hits that show the same footage, best first.'),
  })
  .meta({ id: 'SearchHit' });

export const searchAnswer = z
  .object({
    hits: z.array(searchHit).describe('Best first.'),
    verdict: verdict.describe('Of the best hit; `none` without hits.'),
    nextCursor: z.string().nullable().describe('For the next page; null on the last one.'),
    model: z.object({ id: z.string(), dimension: z.int().min(1) }),
    timings: z.object({
      decodeMs: z.number().min(0),
      encodeMs: z.number().min(0),
      searchMs: z.number().min(0),
      totalMs: z.number().min(0),
    }),
    warnings: z.array(z.object({ code: z.string(), message: z.string() })),
    annRecall: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .describe(
        'Share of the exact nearest segments that searches of late have found; null until it is measured.',
      ),
  })
  .meta({ id: 'SearchAnswer' });

export const searchBatchAnswer = z
  .object({
    answers: z
      .array(z.union([z.object({ answer: searchAnswer }), z.object({ problem })]))
      .describe('In the order of the searches: what was found, or why it was not.'),
  })
  .meta({ id: 'SearchBatchAnswer' });

export type SearchHitJson = z.infer<typeof searchHit>;
export type SearchAnswerJson = z.infer<typeof searchAnswer>;
export type SearchBatchAnswerJson = z.infer<typeof searchBatchAnswer>;
