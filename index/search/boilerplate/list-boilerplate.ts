import type { Library, Video } from '../../library/types.js';
import type { BoilerplateGroup, BoilerplatePlace, BoilerplateReport } from './types.js';

export interface ListedPlace extends BoilerplatePlace {
  title: string;
}

export interface ListedGroup extends Omit<BoilerplateGroup, 'places'> {
  /** The longest place. */
  representative: ListedPlace;
  /** Longest first, one a video, the first few. */
  places: ListedPlace[];
}

/** What is known of one collection. */
export interface ListedBoilerplate
  extends Pick<
    BoilerplateReport,
    'videoCount' | 'segmentCount' | 'leastVideos' | 'groupCount' | 'computedAt'
  > {
  collection: string;
  /** In most videos first. */
  groups: ListedGroup[];
}

/**
 * Boilerplate of the collections that have been looked through, with what is still there of it. Null reports, of collections that are too
 * small or wait for their turn, are left out.
 */
export async function listBoilerplate(
  { library, modelId }: { library: Library; modelId: string },
  collections: readonly string[],
  limits: { groups: number; places: number },
): Promise<ListedBoilerplate[]> {
  const listed: ListedBoilerplate[] = [];
  for (const collection of collections) {
    const report = await library.getBoilerplate(collection, modelId);
    if (report === null) continue;
    const { videoCount, segmentCount, leastVideos, groupCount, computedAt } = report;
    const groups = report.groups.slice(0, limits.groups);
    const videos = await library.findVideos([
      ...new Set(groups.flatMap(({ places }) => places.map(({ videoId }) => videoId))),
    ]);
    listed.push({
      collection,
      videoCount,
      segmentCount,
      leastVideos,
      groupCount,
      computedAt,
      groups: groups.flatMap((group) => listGroup(group, videos, limits.places) ?? []),
    });
  }
  return listed;
}

/** Null when none of the places that are kept is there any more. */
function listGroup(
  { places: known, ...group }: BoilerplateGroup,
  videos: ReadonlyMap<number, Video>,
  placeCount: number,
): ListedGroup | null {
  const places = known.flatMap((place) => {
    const video = videos.get(place.videoId);
    // Replaced by another content, it may be shorter.
    return video && place.endSeconds <= video.durationSeconds + 1 ? [{ ...place, title: video.title }] : [];
  });
  const [representative] = places;
  return representative ? { ...group, representative, places: places.slice(0, placeCount) } : null;
}
