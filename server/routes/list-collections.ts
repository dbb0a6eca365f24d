import { maySeeCollection } from '../access/principal.js';
import { defineRoute } from '../http/route.js';
import { type CollectionListJson, collectionList } from '../schemas/videos.js';

export const listCollections = defineRoute({
  name: 'listCollections',
  method: 'get',
  address: '/collections',
  scope: 'search',
  summary: 'List the collections',
  answers: { 200: { description: 'All collections.', schema: collectionList } },
  errors: [],
  handle: async ({ services, principal }) => {
    const collections = await services.cliptrace.library.listCollections();
    const body: CollectionListJson = {
      collections: collections
        .filter(({ name }) => maySeeCollection(principal, name))
        .map(({ id, name, videoCount }) => ({ id, name, videoCount })),
    };
    return { status: 200, body };
  },
});
