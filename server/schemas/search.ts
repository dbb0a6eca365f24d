import { z } from 'zod';
import { collectionName, id, labelText, seconds, url } from './common.js';

const options = {
  k: z.int().min(1).max(200).default(10).describe('Hits wanted at most.'),
  perVideo: z.int().min(1).max(20).default(1).describe('Hits that one video may have.'),
  collection: collectionName.optional().describe('Search in this collection only.'),
  label: labelText.optional().describe('Search among videos of this label only.'),
  startSeconds: seconds.optional().describe('Start of the part of the query to search with.'),
  endSeconds: seconds.optional().describe('End of that part, exclusive.'),
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

export const searchHit = z
  .object({
    video: z.object({
      id,
      title: z.string(),
      collection: z.string(),
      label: z.string().nullable(),
      durationSeconds: z.number().min(0),
    }),
    score: z.number().min(0).max(1).describe('1 = the same footage.'),
    startSeconds: z.number().min(0).describe('Start of the match in the video.'),
    endSeconds: z.number().min(0).describe('End of the match in the video, exclusive.'),
    queryStartSeconds: z.number().min(0).describe('Start of the match in the query.'),
    queryEndSeconds: z.number().min(0).describe('End of the match in the query, exclusive.'),
    thumbnailUrl: url.describe('A picture from the middle of the match.'),
    mediaUrl: url.describe('The video, with the match as a media fragment.'),
  })
  .meta({ id: 'SearchHit' });

export const searchAnswer = z
  .object({
    hits: z.array(searchHit).describe('Best first.'),
    model: z.object({ id: z.string(), dimension: z.int().min(1) }),
    timings: z.object({
      decodeMs: z.number().min(0),
      encodeMs: z.number().min(0),
      searchMs: z.number().min(0),
      totalMs: z.number().min(0),
    }),
    warnings: z.array(z.object({ code: z.string(), message: z.string() })),
  })
  .meta({ id: 'SearchAnswer' });

export type SearchHitJson = z.infer<typeof searchHit>;
export type SearchAnswerJson = z.infer<typeof searchAnswer>;
