import { z } from 'zod';
import {
  collectionName,
  DEFAULT_COLLECTION,
  id,
  labelText,
  seconds,
  timestamp,
  titleText,
  url,
} from './common.js';
import { filterText, metaGivenText } from './filters.js';

export const video = z
  .object({
    id,
    title: z.string(),
    collection: z.string(),
    label: z.string().nullable(),
    meta: z.record(z.string(), z.string()).describe('What was told of the video at ingest.'),
    durationSeconds: z.number().min(0),
    width: z.int(),
    height: z.int(),
    framesPerSecond: z.number().nullable(),
    codec: z.string(),
    container: z.string().describe("ffmpeg's name of the demuxer."),
    hasAudio: z.boolean(),
    damaged: z.boolean().describe('True when the decoder met errors; what could be decoded is indexed.'),
    sizeBytes: z.int().min(0),
    contentHash: z.string().describe('SHA-256 of the file, hexadecimal.'),
    segmentCount: z.int().min(0),
    addedAt: timestamp,
    updatedAt: timestamp,
    mediaUrl: url,
    thumbnailUrl: url.describe('A picture from the middle of the video.'),
  })
  .meta({ id: 'Video' });

export const videoPage = z
  .object({
    videos: z.array(video),
    nextCursor: z.string().nullable().describe('For the next page; null on the last one.'),
    totalCount: z.int().min(0).describe('Videos that match, on all pages.'),
  })
  .meta({ id: 'VideoPage' });

export const collectionList = z
  .object({
    collections: z.array(z.object({ id, name: z.string(), videoCount: z.int().min(0) })),
  })
  .meta({ id: 'CollectionList' });

export const listVideosQuery = z.strictObject({
  ...filterText,
  q: z.string().min(1).max(200).optional().describe('Part of the title or file name, in any case.'),
  limit: z.int().min(1).max(200).default(50).describe('Videos a page.'),
  cursor: z.string().min(1).max(500).optional().describe('`nextCursor` of the page before.'),
});

const ticket = z
  .string()
  .min(1)
  .max(200)
  .optional()
  .describe('Stands for an API key; part of the addresses that a server which asks for keys gives.');

export const mediaQuery = z.strictObject({ ticket });

export const thumbnailQuery = z.strictObject({
  ticket,
  atSeconds: seconds.optional().describe('Time of the picture; the middle of the video by default.'),
});

export const uploadVideoFields = z.strictObject({
  title: titleText.optional().describe("The file's name by default."),
  label: labelText.optional(),
  collection: collectionName.default(DEFAULT_COLLECTION),
  meta: metaGivenText.optional().describe('`meta.KEY=VALUE`: what is to be known of the video.'),
});

export type VideoJson = z.infer<typeof video>;
export type VideoPageJson = z.infer<typeof videoPage>;
export type CollectionListJson = z.infer<typeof collectionList>;
