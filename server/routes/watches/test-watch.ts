import { testMessage } from '../../../index/webhooks/messages.js';
import { API_PREFIX } from '../../address.js';
import { defineRoute } from '../../http/route.js';
import { presentDelivery } from '../../present/watch.js';
import { idPath } from '../../schemas/common.js';
import { delivery } from '../../schemas/watches.js';
import { findWatch, WATCH_SCOPES, watchNotFound } from './found.js';

export const testWatch = defineRoute({
  name: 'testWatch',
  method: 'post',
  address: '/watches/{id}/test',
  ...WATCH_SCOPES,
  summary: 'Send a test to the webhook of a watch',
  description: 'Takes no body. It is tried at once, also of a paused watch, and once.',
  path: idPath,
  answers: {
    202: {
      description: 'The delivery.',
      schema: delivery,
      headers: { Location: 'Address of the delivery, where its outcome will be.' },
    },
  },
  errors: ['WATCH_NOT_FOUND'],
  handle: async ({ services, principal, path }) => {
    const watch = await findWatch(services, principal, path.id);
    const created = await services.cliptrace.library.watches.createDelivery(testMessage(watch));
    if (created === null) throw watchNotFound(path.id);
    services.watches.deliverer.wake();
    return {
      status: 202,
      headers: { Location: `${API_PREFIX}/watches/${watch.id}/deliveries/${created.id}` },
      body: presentDelivery(created),
    };
  },
});
