import { defineRoute } from '../../http/route.js';
import { presentDeliveryWithAttempts } from '../../present/watch.js';
import { deliveryPath, deliveryWithAttempts } from '../../schemas/watches.js';
import { findDelivery, WATCH_SCOPES } from './found.js';

export const getDelivery = defineRoute({
  name: 'getDelivery',
  method: 'get',
  address: '/watches/{id}/deliveries/{deliveryId}',
  ...WATCH_SCOPES,
  summary: 'One delivery with all its attempts and what is sent',
  path: deliveryPath,
  answers: { 200: { description: 'The delivery.', schema: deliveryWithAttempts } },
  errors: ['WATCH_NOT_FOUND', 'DELIVERY_NOT_FOUND'],
  handle: async ({ services, principal, path }) => {
    const delivery = await findDelivery(services, principal, path);
    const attempts = await services.cliptrace.library.watches.attemptsOf(delivery.id);
    return { status: 200, body: presentDeliveryWithAttempts(delivery, attempts) };
  },
});
