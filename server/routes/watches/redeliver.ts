import { CliptraceError } from '../../../index/errors.js';
import { defineRoute } from '../../http/route.js';
import { presentDelivery } from '../../present/watch.js';
import { delivery, deliveryPath } from '../../schemas/watches.js';
import { findDelivery, WATCH_SCOPES } from './found.js';

export const redeliver = defineRoute({
  name: 'redeliver',
  method: 'post',
  address: '/watches/{id}/deliveries/{deliveryId}/redeliver',
  ...WATCH_SCOPES,
  summary: 'Deliver once more',
  description:
    'Takes no body. The same body under the same id is sent at once, and tried again on failure by a schedule that begins anew.',
  path: deliveryPath,
  answers: { 202: { description: 'The delivery, which is pending.', schema: delivery } },
  errors: ['WATCH_NOT_FOUND', 'DELIVERY_NOT_FOUND'],
  handle: async ({ services, principal, path }) => {
    const { id } = await findDelivery(services, principal, path);
    const pending = await services.cliptrace.library.watches.redeliver(id);
    if (pending === null) throw new CliptraceError('DELIVERY_NOT_FOUND', `The delivery ${id} is gone.`);
    services.watches.deliverer.wake();
    return { status: 202, body: presentDelivery(pending) };
  },
});
