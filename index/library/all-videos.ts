import type { Library, Video } from './types.js';

const PAGE = 1000;

/** Every video of a collection (null or undefined: of the library), by id; none where there is no such collection. */
export async function allVideos(library: Library, collection?: string | null): Promise<Video[]> {
  const videos: Video[] = [];
  let cursor: string | undefined;
  do {
    const page = await library.listVideos({ collection: collection ?? undefined, limit: PAGE, cursor });
    videos.push(...page.videos);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return videos.sort((a, b) => a.id - b.id);
}
