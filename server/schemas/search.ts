import { z } from 'zod';
import { VERDICTS } from '../../index/search/calibration/types.js';
import { collectionName, id, labelText, seconds, url } from './common.js';

const options = {
  k: z.int().min(1).max(200).default(10).describe('Hits wanted at most.'),
  perVideo: z.int().min(1).max(20).default(1).describe('Hits that one video may have.'),
  collection: collectionName.optional().describe('Search in this collection only.'),
  label: labelText.optional().describe('Search among videos of this label only.'),
  startSeconds: seconds.optional().describe('Start of the part of the query to search with.'),
  endSeconds: seconds.optional().describe('End of that part, exclusive.'),
  minScore: z.number().min(0).max(1).default(0).describe('Leaves out hits with a lower score.'),
  explain: z.boolean().default(false).describe('Adds to each hit what the alignment saw.'),
};

interface Range {
  startSeconds?: number | undefined;
  endSeconds?: number | undefined;
}

const ordered = (range: Range) => (range.endSeconds ?? Number.POSITIVE_INFINITY) > (range.startSeconds ?? 0);
const orderedMessage = { path: ['endSeconds'], message: 'must be greater than startSeconds' };

export const searchFields = z.strictObject(options).refine(ordered, orderedMessage);

export const searchByVideo = z
  .strictObject({
    videoId: id.describe('Search with this video of the library.'),
    excludeSelf: z.boolean().default(false).describe('Leaves that video out of the hits.'),
    ...options,
  })
  .refine(ordered, orderedMessage)
  .meta({ id: 'SearchByVideo' });

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
    path: z
      .array(z.object({ querySeconds: z.number().min(0), videoSeconds: z.number().min(0) }))
      .describe('Start and end of each matching part.'),
  })
  .meta({ id: 'SearchExplanation' });

export const searchHit = z
  .object({
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
  })
  .meta({ id: 'SearchHit' });

export const searchAnswer = z
  .object({
    hits: z.array(searchHit).describe('Best first.'),
    verdict: verdict.describe('Of the best hit; `none` without hits.'),
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

export type SearchHitJson = z.infer<typeof searchHit>;
export type SearchAnswerJson = z.infer<typeof searchAnswer>;
