import { defineRoute } from '../../http/route.js';
import { presentWatch } from '../../present/watch.js';
import { idPath } from '../../schemas/common.js';
import { updateWatchBody, watch } from '../../schemas/watches.js';
import { findWatch, WATCH_SCOPES, watchNotFound } from './found.js';
import { allowedWebhookUrl, WEBHOOK_URL_ERRORS } from './webhook-target.js';

export const updateWatch = defineRoute({
  name: 'updateWatch',
  method: 'patch',
  address: '/watches/{id}',
  ...WATCH_SCOPES,
  summary: 'Pause, resume or change a watch',
  description:
    'One that becomes active again is compared with what arrives from then on; what waited to be delivered is delivered.',
  path: idPath,
  json: updateWatchBody,
  answers: { 200: { description: 'The watch as it is now.', schema: watch } },
  errors: ['WATCH_NOT_FOUND', ...WEBHOOK_URL_ERRORS],
  handle: async ({ services, principal, path, json }) => {
    const { name, url, threshold, status } = json as NonNullable<typeof json>;
    await findWatch(services, principal, path.id);
    const updated = await services.cliptrace.library.watches.update(path.id, {
      ...(name === undefined ? {} : { name }),
      ...(url === undefined ? {} : { url: await allowedWebhookUrl(url, services) }),
      ...(threshold === undefined ? {} : { threshold }),
      ...(status === undefined ? {} : { status }),
    });
    if (updated === null) throw watchNotFound(path.id);
    services.watches.deliverer.wake();
    return { status: 200, body: await presentWatch(updated, services) };
  },
});
