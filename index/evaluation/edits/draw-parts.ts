import type { Video } from '../../library/types.js';
import type { Span } from '../../span.js';
import { pick, type Random } from '../seeded-random.js';

/** A part of a video that becomes a query. */
export interface DrawnPart {
  video: Video;
  part: Span;
}

const SHORTEST_SECONDS = 3;
const LONGEST_SECONDS = 8;

/** Parts of 3 to 8 seconds (or of what the video has) at random places of `count` videos, each video once while there are enough. */
export function drawParts(input: { videos: readonly Video[]; count: number; random: Random }): DrawnPart[] {
  const { random } = input;
  const long = input.videos.filter(({ durationSeconds }) => durationSeconds >= SHORTEST_SECONDS);
  const parts: DrawnPart[] = [];
  let left: Video[] = [];
  while (parts.length < input.count && long.length > 0) {
    if (left.length === 0) left = [...long];
    const video = pick(random, left);
    left.splice(left.indexOf(video), 1);
    parts.push({ video, part: partOf(video.durationSeconds, random) });
  }
  return parts;
}

function partOf(durationSeconds: number, random: Random): Span {
  const longest = Math.min(LONGEST_SECONDS, durationSeconds);
  const seconds = SHORTEST_SECONDS + (longest - SHORTEST_SECONDS) * random();
  const startSeconds = (durationSeconds - seconds) * random();
  return { startSeconds, endSeconds: startSeconds + seconds };
}
