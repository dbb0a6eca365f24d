import { defineRoute } from '../http/route.js';
import { presentVideo } from '../present/video.js';
import { listVideosQuery, type VideoPageJson, videoPage } from '../schemas/videos.js';
import { allowedFilter } from './search/json-search.js';

export const listVideos = defineRoute({
  name: 'listVideos',
  method: 'get',
  address: '/videos',
  scope: 'search',
  summary: 'List the videos of the library',
  query: listVideosQuery,
  answers: { 200: { description: 'One page of videos, newest first.', schema: videoPage } },
  errors: ['COLLECTION_NOT_FOUND', 'KEY_NOT_ALLOWED'],
  handle: async ({ services, principal, links, query }) => {
    const { library } = services.cliptrace;
    const { q, limit, cursor } = query;
    const filter = await allowedFilter({ services, principal }, query, true);
    const page = await library.listVideos({ ...filter, q, limit, cursor });
    const metadata = await library.metadataOf(page.videos.map(({ id }) => id));
    const body: VideoPageJson = {
      videos: page.videos.map((video) => presentVideo(video, metadata.get(video.id) ?? {}, links)),
      nextCursor: page.nextCursor,
      totalCount: page.totalCount,
    };
    return { status: 200, body };
  },
});
