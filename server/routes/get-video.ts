import { findVideo } from '../http/found.js';
import { defineRoute } from '../http/route.js';
import { presentVideo } from '../present/video.js';
import { idPath } from '../schemas/common.js';
import { video } from '../schemas/videos.js';

export const getVideo = defineRoute({
  name: 'getVideo',
  method: 'get',
  address: '/videos/{id}',
  scope: 'search',
  summary: 'What is known of one video',
  path: idPath,
  answers: { 200: { description: 'The video.', schema: video } },
  errors: ['VIDEO_NOT_FOUND'],
  handle: async ({ services, principal, links, path }) => {
    const found = await findVideo(services.cliptrace, principal, path.id);
    const metadata = await services.cliptrace.library.metadataOf([found.id]);
    return { status: 200, body: presentVideo(found, metadata.get(found.id) ?? {}, links) };
  },
});
