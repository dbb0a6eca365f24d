import type { PlainKind } from '../../media/plain-kinds.js';
import type { Span } from '../../span.js';
import type { Neighbours } from '../../vectors/types.js';

/** A segment of the collection that is looked through, and what is near it there. */
export interface ComparedSegment extends Span {
  id: number;
  videoId: number;
  plain: PlainKind | null;
  /** Nearest segments of other videos, best first. */
  near: { segmentId: number; videoId: number; similarity: number }[];
}

/**
 * From this similarity on two segments show the same. Cut half a second earlier or later, as the hop of the index may have it, the same footage
 * reaches 0.94 to 0.99; of 784 segments of sports, none had so near a neighbour in four other videos that were not of one take.
 */
export const SAME_SIMILARITY = 0.95;
/** Two videos of which so much is at least so similar are copies, edits or takes of one scene, and count as one. */
const COPY_SIMILARITY = 0.9;
const COPY_SHARE = 0.75;
/** Fewer videos than this may be edits of one another. */
const LEAST_VIDEOS = 5;

/** Videos, otherwise different, that must show the same for it to count as repeated: of very many videos, footage that is worth finding stands in several. */
export function leastVideosOf(videoCount: number): number {
  return Math.max(LEAST_VIDEOS, Math.ceil(videoCount ** 0.25));
}

/** Neighbours in other videos; `videoOf` knows the segments of the collection. */
export function nearSegments(
  own: { id: number; videoId: number },
  { ids, similarities }: Neighbours,
  videoOf: (segmentId: number) => number | undefined,
): ComparedSegment['near'] {
  return ids.flatMap((segmentId, rank) => {
    const videoId = videoOf(segmentId);
    const similarity = similarities[rank] as number;
    const counts = videoId !== undefined && videoId !== own.videoId && similarity >= COPY_SIMILARITY;
    return counts ? [{ segmentId, videoId, similarity }] : [];
  });
}

/** Ids of the segments that stand in at least `leastVideos` videos that are otherwise different. */
export function repeatedSegments(segments: readonly ComparedSegment[], leastVideos: number): Set<number> {
  const copies = new VideoCopies(segments);
  const found = new Set<number>();
  for (const { id, videoId, near } of segments) {
    const others = new Set(
      near.filter(({ similarity }) => similarity >= SAME_SIMILARITY).map((other) => other.videoId),
    );
    if (others.size + 1 < leastVideos) continue;
    if (copies.countDifferent([videoId, ...others], leastVideos) >= leastVideos) found.add(id);
  }
  return found;
}

/** Which videos share so much that they are copies, edits or takes of one another. */
class VideoCopies {
  /** Segments of each video that are not plain, and in how many of them each other video is near. */
  readonly #counts = new Map<number, { segments: number; near: Map<number, number> }>();

  constructor(segments: readonly ComparedSegment[]) {
    for (const { videoId, plain, near } of segments) {
      // Black in both makes no copies of two videos.
      if (plain !== null) continue;
      const tally = this.#counts.get(videoId) ?? { segments: 0, near: new Map<number, number>() };
      this.#counts.set(videoId, tally);
      tally.segments += 1;
      for (const other of new Set(near.map((one) => one.videoId))) {
        tally.near.set(other, (tally.near.get(other) ?? 0) + 1);
      }
    }
  }

  /** How many of the videos are no copy of one before them; stops at `enough`. */
  countDifferent(videoIds: readonly number[], enough: number): number {
    const chosen: number[] = [];
    for (const videoId of videoIds) {
      if (chosen.length >= enough) break;
      if (chosen.every((other) => !this.#areCopies(videoId, other))) chosen.push(videoId);
    }
    return chosen.length;
  }

  #areCopies(one: number, other: number): boolean {
    return this.#share(one, other) >= COPY_SHARE || this.#share(other, one) >= COPY_SHARE;
  }

  #share(of: number, other: number): number {
    const tally = this.#counts.get(of);
    return tally ? (tally.near.get(other) ?? 0) / tally.segments : 0;
  }
}
