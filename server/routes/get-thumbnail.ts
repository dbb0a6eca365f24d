import { findVideo } from '../http/found.js';
import { defineRoute } from '../http/route.js';
import { idPath } from '../schemas/common.js';
import { thumbnailQuery } from '../schemas/videos.js';

export const getThumbnail = defineRoute({
  name: 'getThumbnail',
  method: 'get',
  address: '/videos/{id}/thumbnail',
  scope: 'search',
  acceptsTicket: true,
  summary: 'A picture of a video at a time',
  path: idPath,
  query: thumbnailQuery,
  answers: {
    200: { description: 'The picture.', schema: null, contentType: 'image/jpeg' },
    304: { description: 'The picture is what the client has.', schema: null },
  },
  errors: ['VIDEO_NOT_FOUND', 'MEDIA_MISSING', 'RANGE_NOT_IN_VIDEO', 'DECODE_FAILED', 'TOO_MANY_REQUESTS'],
  handle: async ({ services, principal, path, query, response, signal }) => {
    const video = await findVideo(services.cliptrace, principal, path.id);
    const atSeconds = query.atSeconds ?? video.durationSeconds / 2;
    const jpeg = await services.thumbnails.run(signal, () =>
      services.cliptrace.thumbnail(video.id, atSeconds),
    );
    // `send` adds the ETag and answers 304 where the client has it.
    response.set({ 'Content-Type': 'image/jpeg', 'Cache-Control': 'private, max-age=300' }).send(jpeg);
    return undefined;
  },
});
