import { requireCollection } from '../http/found.js';
import { defineRoute } from '../http/route.js';
import { presentVideo } from '../present/video.js';
import { listVideosQuery, type VideoPageJson, videoPage } from '../schemas/videos.js';

export const listVideos = defineRoute({
  name: 'listVideos',
  method: 'get',
  address: '/videos',
  summary: 'List the videos of the library',
  query: listVideosQuery,
  answers: { 200: { description: 'One page of videos, newest first.', schema: videoPage } },
  errors: ['COLLECTION_NOT_FOUND'],
  handle: async ({ services, query }) => {
    await requireCollection(services.cliptrace, query.collection);
    const page = await services.cliptrace.library.listVideos(query);
    const body: VideoPageJson = {
      videos: page.videos.map(presentVideo),
      nextCursor: page.nextCursor,
      totalCount: page.totalCount,
    };
    return { status: 200, body };
  },
});
