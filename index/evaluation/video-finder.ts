import path from 'node:path';
import type { Library, Video } from '../library/types.js';

export type Finding =
  | { video: Video }
  | { video: null; code: 'VIDEO_UNKNOWN' | 'VIDEO_AMBIGUOUS'; message: string; videoIds: number[] };

/** Finds the videos that people name: by id, path, end of a path, or title. */
export class VideoFinder {
  readonly #videos: ReadonlyMap<number, Video>;
  readonly #baseFolder: string | null;
  readonly #byPath = new Map<string, Video>();
  /** Files by their name alone. */
  readonly #byName = new Map<string, { path: string; video: Video }[]>();
  readonly #byTitle = new Map<string, Video[]>();

  private constructor(videos: readonly Video[], baseFolder: string | null) {
    this.#videos = new Map(videos.map((video) => [video.id, video]));
    this.#baseFolder = baseFolder;
  }

  /** @param baseFolder where relative paths start, beside being ends of paths */
  static async over(
    library: Library,
    videos: readonly Video[],
    baseFolder: string | null,
  ): Promise<VideoFinder> {
    const finder = new VideoFinder(videos, baseFolder);
    for (const video of videos) {
      push(finder.#byTitle, video.title, video);
      for (const file of await library.filesOf(video.id)) {
        finder.#byPath.set(file.path, video);
        push(finder.#byName, path.basename(file.path), { path: file.path, video });
      }
    }
    return finder;
  }

  find(reference: string): Finding {
    const byPath =
      this.#byPath.get(reference) ??
      (this.#baseFolder === null ? undefined : this.#byPath.get(path.resolve(this.#baseFolder, reference)));
    if (byPath) return { video: byPath };
    if (/^\d+$/.test(reference)) {
      const byId = this.#videos.get(Number(reference));
      if (byId) return { video: byId };
    }
    const ending =
      path.sep +
      reference
        .split('/')
        .filter((part) => part !== '.')
        .join(path.sep);
    const byEnd = (this.#byName.get(path.basename(reference)) ?? []).filter((file) =>
      file.path.endsWith(ending),
    );
    return (
      oneOf(byEnd.map(({ video }) => video)) ??
      oneOf(this.#byTitle.get(reference) ?? []) ?? {
        video: null,
        code: 'VIDEO_UNKNOWN',
        message: 'No video of the library has this id, path or title',
        videoIds: [],
      }
    );
  }
}

/** The one video among those found; null when nothing was found. */
function oneOf(found: readonly Video[]): Finding | null {
  const [first] = found;
  if (!first) return null;
  if (found.every(({ id }) => id === first.id)) return { video: first };
  return {
    video: null,
    code: 'VIDEO_AMBIGUOUS',
    message: 'Several videos are called this: give more of the path, or the id',
    videoIds: [...new Set(found.map(({ id }) => id))],
  };
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
