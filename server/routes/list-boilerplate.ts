import { type ListedPlace, listBoilerplate } from '../../index/search/boilerplate/list-boilerplate.js';
import { maySeeCollection } from '../access/principal.js';
import { requireCollection, requireOwnCollection } from '../http/found.js';
import { defineRoute } from '../http/route.js';
import { type MediaLinks, secondsText } from '../present/media-links.js';
import { type BoilerplateListJson, boilerplateList, boilerplateQuery } from '../schemas/boilerplate.js';

export const listBoilerplateRoute = defineRoute({
  name: 'listBoilerplate',
  method: 'get',
  address: '/boilerplate',
  scope: 'search',
  summary: 'List what stands in many videos or shows next to nothing, and counts for less in a search',
  query: boilerplateQuery,
  answers: {
    200: { description: 'What the last look through each collection found.', schema: boilerplateList },
  },
  errors: ['COLLECTION_NOT_FOUND', 'KEY_NOT_ALLOWED'],
  handle: async ({ services, principal, links, query }) => {
    const { library, encoder } = services.cliptrace;
    const { collection, limit, places } = query;
    if (collection !== undefined) requireOwnCollection(principal, collection);
    await requireCollection(services.cliptrace, principal, collection);
    const names =
      collection === undefined
        ? (await library.listCollections())
            .map(({ name }) => name)
            .filter((name) => maySeeCollection(principal, name))
        : [collection];
    const listed = await listBoilerplate({ library, modelId: encoder.manifest.id }, names, {
      groups: limit,
      places,
    });
    const body: BoilerplateListJson = {
      collections: listed.map((one) => ({
        ...one,
        groups: one.groups.map((group) => ({
          ...group,
          representative: presentPlace(group.representative, links),
          places: group.places.map((place) => presentPlace(place, links)),
        })),
      })),
    };
    return { status: 200, body };
  },
});

function presentPlace(place: ListedPlace, links: MediaLinks) {
  const { videoId, title, startSeconds, endSeconds } = place;
  const fragment = `#t=${secondsText(startSeconds)},${secondsText(endSeconds)}`;
  return {
    videoId,
    title,
    startSeconds,
    endSeconds,
    thumbnailUrl: links.thumbnail(videoId, (startSeconds + endSeconds) / 2),
    mediaUrl: links.media(videoId) + fragment,
  };
}
