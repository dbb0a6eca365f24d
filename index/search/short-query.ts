import type { Alignment } from './alignment.js';
import type { ClipTrack } from './clip-track.js';
import { CELL_SECONDS } from './match-path.js';

/**
 * A query that ends before the middle of the first timestep of its clip would meet no moment of any video, not even of its own. Its clip shows
 * it over and over, so it is aligned as if it lasted until just behind that middle; and a video that is as short, too.
 */
export function leastSeconds({
  clipSeconds,
  timesteps,
}: Pick<ClipTrack, 'clipSeconds' | 'timesteps'>): number {
  return clipSeconds / (2 * timesteps) + CELL_SECONDS;
}

export function isTooShort(track: ClipTrack): boolean {
  return track.endSeconds - track.startSeconds < leastSeconds(track) - 1e-6;
}

/** The track itself where it is long enough. */
export function lengthened<T extends ClipTrack>(track: T): T {
  return isTooShort(track) ? { ...track, endSeconds: track.startSeconds + leastSeconds(track) } : track;
}

/** The place of the query that was lengthened, as long as it is. */
export function shortened(
  alignment: Alignment,
  { startSeconds, endSeconds }: ClipTrack,
  videoSeconds: number,
): Alignment {
  const { offsetSeconds, speed } = alignment;
  const seconds = speed * (endSeconds - startSeconds);
  const latestStart = Math.max(0, videoSeconds - seconds);
  const videoStart = Math.min(latestStart, Math.max(0, offsetSeconds + speed * startSeconds));
  const part = {
    query: { startSeconds, endSeconds },
    video: { startSeconds: videoStart, endSeconds: Math.min(videoSeconds, videoStart + seconds) },
  };
  const matchedSeconds = Math.min(alignment.matchedSeconds, endSeconds - startSeconds);
  return { ...alignment, ...part, parts: [part], matchedSeconds };
}
