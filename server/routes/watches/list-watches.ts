import { defineRoute } from '../../http/route.js';
import { presentWatch } from '../../present/watch.js';
import { listWatchesQuery, type WatchPageJson, watchPage } from '../../schemas/watches.js';
import { WATCH_SCOPES } from './found.js';

export const listWatches = defineRoute({
  name: 'listWatches',
  method: 'get',
  address: '/watches',
  ...WATCH_SCOPES,
  summary: 'List the clips that are watched for',
  query: listWatchesQuery,
  answers: { 200: { description: 'One page of watches, newest first.', schema: watchPage } },
  errors: [],
  handle: async ({ services, principal, query }) => {
    const { items, nextCursor } = await services.cliptrace.library.watches.list({
      ...query,
      collections: principal.collections ?? undefined,
    });
    const watches = await Promise.all(items.map((watch) => presentWatch(watch, services)));
    const body: WatchPageJson = { watches, nextCursor };
    return { status: 200, body };
  },
});
