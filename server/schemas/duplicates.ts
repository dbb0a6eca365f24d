import { z } from 'zod';
import { collectionName, id } from './common.js';
import { job } from './jobs.js';

export const createDuplicatesBody = z
  .strictObject({
    collection: collectionName
      .optional()
      .describe('Only within this collection; the whole library by default.'),
    minScore: z
      .number()
      .min(0)
      .max(1)
      .default(0.95)
      .describe('Score from which two videos are near-duplicates.'),
  })
  .meta({ id: 'CreateDuplicates' });

const seconds = z.number().min(0);

export const duplicatesReport = z
  .object({
    minScore: z.number().min(0).max(1),
    videoCount: z.int().min(0),
    groups: z
      .array(
        z.object({
          videos: z.array(
            z.object({ id, title: z.string(), collection: z.string(), durationSeconds: seconds }),
          ),
          pairs: z.array(
            z.object({
              videoId: id,
              otherVideoId: id,
              score: z.number().min(0).max(1),
              startSeconds: seconds,
              endSeconds: seconds,
              otherStartSeconds: seconds,
              otherEndSeconds: seconds,
              offsetSeconds: z.number().describe('Time in the other video minus time in the video.'),
              speed: z.number().describe('Seconds of the other video that pass in one second of the video.'),
            }),
          ),
        }),
      )
      .describe('Videos that share footage, directly or through others; largest group first.'),
  })
  .meta({ id: 'DuplicatesReport' });

export const duplicates = z
  .object({ job, report: duplicatesReport.nullable().describe('Null until the job is done.') })
  .meta({ id: 'Duplicates' });

export type DuplicatesJson = z.infer<typeof duplicates>;
