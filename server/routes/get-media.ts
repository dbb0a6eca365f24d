import { findVideo } from '../http/found.js';
import { contentDispositionOf, mediaTypeOf } from '../http/media-type.js';
import { defineRoute } from '../http/route.js';
import { sendFile } from '../http/send-file.js';
import { idPath } from '../schemas/common.js';
import { mediaQuery } from '../schemas/videos.js';

export const getMedia = defineRoute({
  name: 'getMedia',
  method: 'get',
  address: '/videos/{id}/media',
  scope: 'search',
  acceptsTicket: true,
  summary: "A video's file, whole or in byte ranges",
  path: idPath,
  query: mediaQuery,
  answers: {
    200: { description: 'The file.', schema: null, contentType: 'video/*' },
    206: {
      description: 'The part that the Range header asks for.',
      schema: null,
      contentType: 'video/*',
      headers: { 'Content-Range': 'Which part it is.' },
    },
    304: { description: 'The file is what the client has (If-None-Match, If-Modified-Since).', schema: null },
  },
  errors: ['VIDEO_NOT_FOUND', 'MEDIA_MISSING', 'RANGE_NOT_SATISFIABLE'],
  handle: async ({ services, principal, path, response }) => {
    const video = await findVideo(services.cliptrace, principal, path.id);
    const file = await services.cliptrace.mediaPath(video.id);
    await sendFile(response, file, {
      'Content-Type': mediaTypeOf(video),
      'Content-Disposition': contentDispositionOf(video),
      'Cache-Control': 'private, no-cache',
      // Whatever the file holds, it is data: opened on its own, it may load and run nothing.
      'Content-Security-Policy': "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox",
    });
    return undefined;
  },
});
