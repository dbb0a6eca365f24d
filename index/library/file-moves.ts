import type { FileMove, VideoFile } from './types.js';

/**
 * Parts moves that can be made together from those whose place another video has and does not leave. Two files that have changed
 * places are no obstacle to each other. `find` tells which file is at a place now.
 */
export function settleMoves(
  moves: readonly FileMove[],
  find: (collection: string, path: string) => VideoFile | null,
): { free: FileMove[]; taken: FileMove[] } {
  const taken: FileMove[] = [];
  let left = moves.map((move) => ({ move, there: find(move.file.collection, move.path) }));
  for (;;) {
    const leaving = new Set(left.map(({ move }) => placeOf(move.file)));
    const claimed = new Map<string, number>();
    const free = left.filter(({ move, there }) => {
      const { videoId, collection } = move.file;
      const place = placeOf({ collection, path: move.path });
      const stays = there !== null && there.videoId !== videoId && !leaving.has(placeOf(there));
      const isFree = !stays && (claimed.get(place) ?? videoId) === videoId;
      if (isFree) claimed.set(place, videoId);
      else taken.push(move);
      return isFree;
    });
    // What cannot leave may be in the way of another.
    if (free.length === left.length) return { free: free.map(({ move }) => move), taken };
    left = free;
  }
}

export function placeOf({ collection, path }: Pick<VideoFile, 'collection' | 'path'>): string {
  return `${collection}\0${path}`;
}
