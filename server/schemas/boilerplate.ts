import { z } from 'zod';
import { PLAIN_KINDS } from '../../index/media/plain-kinds.js';
import { collectionName, id, url } from './common.js';

const count = z.int().min(0);
const seconds = z.number().min(0);

export const boilerplateQuery = z.strictObject({
  collection: collectionName.optional().describe('Only this collection; all by default.'),
  limit: z.int().min(1).max(1000).default(100).describe('Groups of each collection, at most.'),
  places: z.int().min(1).max(50).default(5).describe('Places of each group, at most.'),
});

export const createBoilerplateBody = z
  .strictObject({ collection: collectionName.describe('The collection to look through.') })
  .meta({ id: 'CreateBoilerplate' });

const place = z
  .object({
    videoId: id,
    title: z.string(),
    startSeconds: seconds,
    endSeconds: seconds.describe('Exclusive.'),
    thumbnailUrl: url.describe('A picture from the middle.'),
    mediaUrl: url.describe('The video, with the range as a media fragment.'),
  })
  .meta({ id: 'BoilerplatePlace' });

export const boilerplateGroup = z
  .object({
    kind: z
      .enum([...PLAIN_KINDS, 'repeated'])
      .describe(
        '`black`, `flat` (one colour), `still` (one picture all the time), `repeated` (in many videos that are otherwise different).',
      ),
    weight: z
      .number()
      .min(0)
      .max(1)
      .describe('What a second of it counts for in a match, where other footage counts 1.'),
    videoCount: count,
    segmentCount: count,
    seconds: seconds.describe('Of video, in all places together.'),
    representative: place.describe('The longest place.'),
    places: z.array(place).describe('Longest first, one a video.'),
  })
  .meta({ id: 'BoilerplateGroup' });

export const boilerplateList = z
  .object({
    collections: z
      .array(
        z.object({
          collection: z.string(),
          videoCount: count.describe('Videos that were looked through.'),
          segmentCount: count,
          leastVideos: count.describe('Videos from which what they have in common counts as repeated.'),
          groupCount: count.describe('Groups that were found; not all need be listed.'),
          computedAt: z.iso.datetime(),
          groups: z.array(boilerplateGroup).describe('In most videos first.'),
        }),
      )
      .describe('Collections that have been looked through.'),
  })
  .meta({ id: 'BoilerplateList' });

export type BoilerplateListJson = z.infer<typeof boilerplateList>;
