import { rm, stat } from 'node:fs/promises';
import type { z } from 'zod';
import { contentHash } from '../../../index/ingest/content-hash.js';
import type { WatchEmbedding, WatchSource } from '../../../index/library/watch-types.js';
import { createWebhookSecret } from '../../../index/webhooks/signature.js';
import { API_PREFIX } from '../../address.js';
import { titleOf } from '../../http/client-name.js';
import { findVideo, requireOwnCollection } from '../../http/found.js';
import { keepUpload } from '../../http/keep-upload.js';
import { defineRoute, type RouteContext } from '../../http/route.js';
import { presentWatch } from '../../present/watch.js';
import {
  type CreatedWatchJson,
  createdWatch,
  createWatchBody,
  createWatchFields,
} from '../../schemas/watches.js';
import { UPLOADED_QUERY_ERRORS } from '../search/errors.js';
import { WATCH_SCOPES } from './found.js';
import { allowedWebhookUrl, WEBHOOK_URL_ERRORS } from './webhook-target.js';

type Context = RouteContext<
  object,
  object,
  z.output<typeof createWatchBody>,
  z.output<typeof createWatchFields>
>;

interface WatchedClip {
  name: string;
  source: WatchSource;
  embedding: WatchEmbedding;
}

export const createWatch = defineRoute({
  name: 'createWatch',
  method: 'post',
  address: '/watches',
  ...WATCH_SCOPES,
  summary: 'Have a webhook told when later videos show a clip',
  description:
    'The clip is uploaded (multipart, part `clip`), or a video of the library (JSON, `videoId`). Every video that becomes searchable from ' +
    'then on is compared with it, whatever way it comes. The key needs the scope `search`, too.',
  json: createWatchBody,
  multipart: { fileField: 'clip', fileDescription: 'The clip to watch for.', fields: createWatchFields },
  answers: {
    201: {
      description: 'The watch, with its secret, which is told this once.',
      schema: createdWatch,
      headers: { Location: 'Address of the watch.' },
    },
  },
  errors: [
    ...UPLOADED_QUERY_ERRORS,
    ...WEBHOOK_URL_ERRORS,
    ...(['RANGE_NOT_IN_VIDEO', 'VIDEO_NOT_FOUND', 'MODEL_CHANGED', 'TOO_MANY_WATCHES'] as const),
  ],
  admit: ({ decodes }) => decodes.check(),
  handle: async (context) => {
    const { services, principal, json, upload } = context;
    const { url, threshold, collection = null } = json ?? (upload as NonNullable<typeof upload>).fields;
    requireOwnCollection(principal, collection);
    // Before the clip is decoded, which takes longer.
    const checkedUrl = await allowedWebhookUrl(url, services);
    const { name, source, embedding } =
      upload === undefined ? await fromVideo(context) : await fromUpload(context);
    const secret = createWebhookSecret();
    const created = await services.cliptrace.library.watches
      .create(
        { name, url: checkedUrl, threshold, collection, secret, source },
        embedding,
        services.configuration.maxWatches,
      )
      .catch(async (error: unknown) => {
        if (source.kind === 'clip') await rm(source.path, { force: true });
        throw error;
      });
    const { warning } = services.cliptrace.ffmpeg;
    const isOutdated = source.kind === 'clip' && warning !== null;
    const body: CreatedWatchJson = {
      ...(await presentWatch(created, services)),
      secret,
      warnings: isOutdated ? [{ code: 'FFMPEG_OUTDATED', message: warning }] : [],
    };
    return { status: 201, headers: { Location: `${API_PREFIX}/watches/${created.id}` }, body };
  },
});

async function fromVideo({ services, principal, json, signal }: Context): Promise<WatchedClip> {
  const body = json as NonNullable<typeof json>;
  const video = await findVideo(services.cliptrace, principal, body.videoId);
  const source: WatchSource = {
    kind: 'video',
    videoId: video.id,
    contentHash: video.contentHash,
    startSeconds: body.startSeconds ?? null,
    endSeconds: body.endSeconds ?? null,
  };
  const embedding = await services.cliptrace.watchEmbedder.embed(source, signal);
  return { name: body.name ?? shortened(video.title), source, embedding };
}

/** The clip is kept, to be embedded again when the model changes. */
async function fromUpload({ services, upload, signal }: Context): Promise<WatchedClip> {
  const { file, fields } = upload as NonNullable<typeof upload>;
  const { cliptrace, decodes } = services;
  const range = { startSeconds: fields.startSeconds ?? null, endSeconds: fields.endSeconds ?? null };
  const embedding = await decodes.run(signal, () =>
    cliptrace.watchEmbedder.embed({ kind: 'clip', path: file.path, ...range }, signal),
  );
  const content = {
    sizeBytes: (await stat(file.path)).size,
    contentHash: await contentHash(file.path, signal),
  };
  const path = await keepUpload(file, cliptrace.dataFolder.mediaFolder);
  const name = fields.name ?? shortened(titleOf(file.clientName));
  return { name, source: { kind: 'clip', path, ...range, ...content }, embedding };
}

/** A title may be longer than a name. */
function shortened(title: string): string {
  return [...title].slice(0, 100).join('');
}
