import { requireCollection } from '../http/found.js';
import { defineRoute } from '../http/route.js';
import { presentVideo } from '../present/video.js';
import { listVideosQuery, type VideoPageJson, videoPage } from '../schemas/videos.js';

export const listVideos = defineRoute({
  name: 'listVideos',
  method: 'get',
  address: '/videos',
  scope: 'search',
  summary: 'List the videos of the library',
  query: listVideosQuery,
  answers: { 200: { description: 'One page of videos, newest first.', schema: videoPage } },
  errors: ['COLLECTION_NOT_FOUND'],
  handle: async ({ services, principal, links, query }) => {
    await requireCollection(services.cliptrace, principal, query.collection);
    const page = await services.cliptrace.library.listVideos({
      ...query,
      collections: principal.collections ?? undefined,
    });
    const body: VideoPageJson = {
      videos: page.videos.map((video) => presentVideo(video, links)),
      nextCursor: page.nextCursor,
      totalCount: page.totalCount,
    };
    return { status: 200, body };
  },
});
