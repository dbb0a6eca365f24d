import { compareText } from '../compare-text.js';
import type { Library, Video } from './types.js';

const PAGE = 1000;

/**
 * Every video of a collection (null or undefined: of the library); none where there is no such collection. In the order of their contents, so that what
 * is drawn at random does not depend on the order in which they came into the library.
 */
export async function allVideos(library: Library, collection?: string | null): Promise<Video[]> {
  const videos: Video[] = [];
  let cursor: string | undefined;
  do {
    const page = await library.listVideos({ collection: collection ?? undefined, limit: PAGE, cursor });
    videos.push(...page.videos);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return videos.sort((a, b) => compareText(a.contentHash, b.contentHash) || a.id - b.id);
}
