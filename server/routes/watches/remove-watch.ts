import { removeWatch as removeFromLibrary } from '../../../index/clip-watch/remove-watch.js';
import { defineRoute } from '../../http/route.js';
import { idPath } from '../../schemas/common.js';
import { findWatch, WATCH_SCOPES, watchNotFound } from './found.js';

export const removeWatch = defineRoute({
  name: 'removeWatch',
  method: 'delete',
  address: '/watches/{id}',
  ...WATCH_SCOPES,
  summary: 'Watch for a clip no more',
  description: 'Its clip, its deliveries and their log go with it; what was not delivered is not delivered.',
  path: idPath,
  answers: { 204: { description: 'Removed.', schema: null } },
  errors: ['WATCH_NOT_FOUND'],
  handle: async ({ services, principal, path }) => {
    await findWatch(services, principal, path.id);
    const removed = await removeFromLibrary(services.cliptrace.library, path.id);
    if (removed === null) throw watchNotFound(path.id);
    return { status: 204 };
  },
});
