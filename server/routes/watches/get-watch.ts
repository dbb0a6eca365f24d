import { defineRoute } from '../../http/route.js';
import { presentWatch } from '../../present/watch.js';
import { idPath } from '../../schemas/common.js';
import { watch } from '../../schemas/watches.js';
import { findWatch, WATCH_SCOPES } from './found.js';

export const getWatch = defineRoute({
  name: 'getWatch',
  method: 'get',
  address: '/watches/{id}',
  ...WATCH_SCOPES,
  summary: 'What is known of one watch',
  path: idPath,
  answers: { 200: { description: 'The watch, without its secret.', schema: watch } },
  errors: ['WATCH_NOT_FOUND'],
  handle: async ({ services, principal, path }) => ({
    status: 200,
    body: await presentWatch(await findWatch(services, principal, path.id), services),
  }),
});
