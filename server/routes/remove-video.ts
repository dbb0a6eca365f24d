import { findVideo, videoNotFound } from '../http/found.js';
import { defineRoute } from '../http/route.js';
import { idPath } from '../schemas/common.js';

export const removeVideo = defineRoute({
  name: 'removeVideo',
  method: 'delete',
  address: '/videos/{id}',
  scope: 'ingest',
  summary: 'Remove a video from the library',
  description:
    'No search finds it from the moment of the answer on. A file that was uploaded is deleted; a file of the archive stays where it lies.',
  path: idPath,
  answers: { 204: { description: 'Removed.', schema: null } },
  errors: ['VIDEO_NOT_FOUND'],
  handle: async ({ services, principal, path }) => {
    await findVideo(services.cliptrace, principal, path.id);
    if (!(await services.cliptrace.removeVideo(path.id))) throw videoNotFound(path.id);
    return { status: 204 };
  },
});
