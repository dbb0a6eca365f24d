import { z } from 'zod';
import { collectionName, id, nameText, seconds, timestamp } from './common.js';

export const DEFAULT_THRESHOLD = 0.9;

const threshold = z
  .number()
  .min(0)
  .max(1)
  .describe('Least score of a match: the probability that clip and video share footage.');
const webhookUrl = z
  .string()
  .min(1)
  .max(2000)
  .describe('Where matches are posted to: https or http, at a public address unless allowed otherwise.');

const wanted = {
  name: nameText.optional().describe('For people; the name of the file or video by default.'),
  url: webhookUrl,
  threshold: threshold.default(DEFAULT_THRESHOLD),
  collection: collectionName
    .optional()
    .describe('Only videos of this collection, which need not exist yet; all by default.'),
  startSeconds: seconds.optional().describe('Start of the part that is watched for.'),
  endSeconds: seconds.optional().describe('End of that part, exclusive.'),
};

interface Range {
  startSeconds?: number | undefined;
  endSeconds?: number | undefined;
}

const ordered = (range: Range) => (range.endSeconds ?? Number.POSITIVE_INFINITY) > (range.startSeconds ?? 0);
const orderedMessage = { path: ['endSeconds'], message: 'must be greater than startSeconds' };

export const createWatchFields = z.strictObject(wanted).refine(ordered, orderedMessage);

export const createWatchBody = z
  .strictObject({ videoId: id.describe('Watch for this video of the library, or a part of it.'), ...wanted })
  .refine(ordered, orderedMessage)
  .meta({ id: 'CreateWatch' });

export const updateWatchBody = z
  .strictObject({
    name: nameText.optional(),
    url: webhookUrl.optional(),
    threshold: threshold.optional(),
    status: z
      .enum(['active', 'paused'])
      .optional()
      .describe('`paused`: videos that come are not compared, and what is to be delivered waits.'),
  })
  .refine((body) => Object.values(body).some((value) => value !== undefined), {
    message: 'must change something: name, url, threshold or status',
  })
  .meta({ id: 'UpdateWatch' });

const reason = z.object({ code: z.string(), message: z.string() });

const watchFields = {
  id,
  name: z.string(),
  collection: z.string().nullable().describe('Null: the whole library.'),
  threshold: z.number().min(0).max(1),
  url: z.string(),
  status: z
    .enum(['active', 'paused', 'disabled', 'stale'])
    .describe(
      '`disabled`: the receiver answered 410. `stale`: the model has changed and the clip is not embedded by the new one yet; ' +
        'what arrives meanwhile is kept and compared later.',
    ),
  reason: reason.nullable().describe('Why it is disabled or stale.'),
  source: z.object({
    videoId: id.nullable().describe('Null: a clip that was uploaded.'),
    startSeconds: z.number().min(0).nullable(),
    endSeconds: z.number().min(0).nullable(),
  }),
  modelId: z.string().describe('The model that embedded the clip.'),
  pendingDeliveries: z.int().min(0),
  createdAt: timestamp,
  updatedAt: timestamp,
};

export const watch = z.object(watchFields).meta({ id: 'Watch' });

const secret = z.string().describe('Signs the deliveries (Standard Webhooks); told this once.');

export const createdWatch = z
  .object({ ...watchFields, secret, warnings: z.array(z.object({ code: z.string(), message: z.string() })) })
  .meta({ id: 'CreatedWatch' });

export const rotatedSecret = z
  .object({
    secret,
    previousSecretUntil: timestamp.describe(
      'Until then each delivery carries a signature by the old secret, too.',
    ),
  })
  .meta({ id: 'RotatedSecret' });

const paging = (what: string) => ({
  limit: z.int().min(1).max(200).default(50).describe(`${what} a page.`),
  cursor: z.string().min(1).max(500).optional().describe('`nextCursor` of the page before.'),
});

const nextCursor = z.string().nullable().describe('For the next page; null on the last one.');

export const listWatchesQuery = z.strictObject(paging('Watches'));

export const watchPage = z.object({ watches: z.array(watch), nextCursor }).meta({ id: 'WatchPage' });

const deliveryStatus = z.enum(['pending', 'succeeded', 'failed']);

export const listDeliveriesQuery = z.strictObject({
  status: deliveryStatus.optional().describe('Only these.'),
  ...paging('Deliveries'),
});

export const deliveryAttempt = z
  .object({
    number: z.int().min(1),
    startedAt: timestamp,
    durationMs: z.int().min(0),
    responseStatus: z.int().nullable().describe('Null when no answer came.'),
    error: reason.nullable().describe('Null when it succeeded.'),
  })
  .meta({ id: 'DeliveryAttempt' });

const deliveryFields = {
  id,
  watchId: id,
  messageId: z.string().describe('`webhook-id` of every attempt.'),
  type: z.enum(['watch.matched', 'watch.test']),
  status: deliveryStatus.describe('`pending`: it is to be tried, or tried again; `failed`: it was given up.'),
  videoId: id.nullable().describe('Null for a test.'),
  attemptCount: z.int().min(0),
  nextAttemptAt: timestamp.nullable().describe('Null unless it is pending.'),
  createdAt: timestamp,
  endedAt: timestamp.nullable(),
  lastAttempt: deliveryAttempt.nullable(),
};

export const delivery = z.object(deliveryFields).meta({ id: 'Delivery' });

export const deliveryPage = z
  .object({ deliveries: z.array(delivery), nextCursor })
  .meta({ id: 'DeliveryPage' });

export const deliveryWithAttempts = z
  .object({
    ...deliveryFields,
    attempts: z.array(deliveryAttempt).describe('In order.'),
    body: z.string().describe('What is sent, byte for byte.'),
  })
  .meta({ id: 'DeliveryWithAttempts' });

export const deliveryPath = z.strictObject({
  id: id.describe('Id of the watch.'),
  deliveryId: id.describe('Id of the delivery.'),
});

export type WatchJson = z.infer<typeof watch>;
export type CreatedWatchJson = z.infer<typeof createdWatch>;
export type RotatedSecretJson = z.infer<typeof rotatedSecret>;
export type WatchPageJson = z.infer<typeof watchPage>;
export type DeliveryJson = z.infer<typeof delivery>;
export type DeliveryPageJson = z.infer<typeof deliveryPage>;
export type DeliveryWithAttemptsJson = z.infer<typeof deliveryWithAttempts>;
