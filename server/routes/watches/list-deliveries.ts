import { defineRoute } from '../../http/route.js';
import { presentDelivery } from '../../present/watch.js';
import { idPath } from '../../schemas/common.js';
import { type DeliveryPageJson, deliveryPage, listDeliveriesQuery } from '../../schemas/watches.js';
import { findWatch, WATCH_SCOPES } from './found.js';

export const listDeliveries = defineRoute({
  name: 'listDeliveries',
  method: 'get',
  address: '/watches/{id}/deliveries',
  ...WATCH_SCOPES,
  summary: 'What was told to the webhook of a watch, and what is to be',
  path: idPath,
  query: listDeliveriesQuery,
  answers: { 200: { description: 'One page of deliveries, newest first.', schema: deliveryPage } },
  errors: ['WATCH_NOT_FOUND'],
  handle: async ({ services, principal, path, query }) => {
    const { id: watchId } = await findWatch(services, principal, path.id);
    const { items, nextCursor } = await services.cliptrace.library.watches.listDeliveries({
      watchId,
      ...query,
    });
    const body: DeliveryPageJson = { deliveries: items.map(presentDelivery), nextCursor };
    return { status: 200, body };
  },
});
