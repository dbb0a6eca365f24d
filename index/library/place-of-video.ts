import type { LibraryTables } from './sqlite-library.js';
import type { Library, Video, VideoFile } from './types.js';

type JoinInput = Parameters<Library['joinVideo']>[0];
type Joined = NonNullable<Awaited<ReturnType<Library['joinVideo']>>>;

/*
 * Which video a place belongs to. What holds at every moment, whatever runs side by side: a row of `files` points to the video that
 * has the content the file had when it was last read. So each of these looks and acts in one transaction (the caller's): what
 * somebody saw before an await may be otherwise by now.
 */

/** Null, and nothing is written, when no video of the collection has that content in segments of that model. */
export function joinVideo(tables: LibraryTables, input: JoinInput): Joined | null {
  const { file, contentHash, modelId, left } = input;
  const collectionId = tables.collections.find(file.collection);
  const id = collectionId === null ? null : tables.videos.findByContent(collectionId, contentHash);
  const model = tables.models.find(modelId);
  if (collectionId === null || id === null || model === null || !tables.blocks.hasAny(id, model)) return null;
  const before = tables.files.ofVideo(id);
  const taken = tables.files.find(file.collection, file.path);
  tables.files.put(collectionId, { ...file, videoId: id });
  const gone = left.filter((place) => place.path !== file.path && removePlace(tables, place));
  const loser = taken === null || taken.videoId === id ? null : taken.videoId;
  return {
    video: tables.videos.get(id) as Video,
    before,
    left: gone,
    unplacedVideoId: loser !== null && tables.files.ofVideo(loser).length === 0 ? loser : null,
  };
}

/** False when the library no longer has the place as it was seen. */
export function removePlace(tables: LibraryTables, seen: VideoFile): boolean {
  const now = tables.files.find(seen.collection, seen.path);
  const isSame =
    now?.videoId === seen.videoId && now.sizeBytes === seen.sizeBytes && now.modifiedMs === seen.modifiedMs;
  if (isSame) tables.files.remove(seen.collection, seen.path);
  return isSame;
}

export function removeUnplacedVideo(tables: LibraryTables, id: number): boolean {
  const video = tables.videos.get(id);
  if (video === null || tables.files.ofVideo(id).length > 0) return false;
  tables.videos.remove(id);
  tables.collections.removeIfEmpty(tables.collections.find(video.collection) as number);
  return true;
}

/** Whether the video lies there and nowhere else, so that what replaces the file may replace the video. */
export function liesOnlyAt(files: readonly VideoFile[], path: string): boolean {
  return files.length === 1 && files[0]?.path === path;
}
