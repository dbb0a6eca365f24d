import { compareText } from '../compare-text.js';
import type { Video } from '../library/types.js';
import type { Problems } from './problems.js';
import { pick, seeded } from './seeded-random.js';
import type { Side } from './split.js';
import type { LeftOutReason, LeftOutVideo } from './types.js';

export type LabelledVideo = Video & { label: string };

/** Who asks, who answers, and who does not take part. */
export interface LabelsPlan {
  queries: LabelledVideo[];
  /** Of each query, all but itself. */
  gallery: LabelledVideo[];
  leftOut: LeftOutVideo[];
}

/**
 * @param videos of the library or collection, by id
 * @param sides from the CSV; null: every video asks all others
 * @param isEmbedded whether the video has segments of the model
 */
export function planLabels(input: {
  videos: readonly Video[];
  sides: ReadonlyMap<number, Side> | null;
  isEmbedded: (videoId: number) => boolean;
  maxQueries: number | null;
  seed: number;
  problems: Problems;
}): LabelsPlan {
  const { sides, isEmbedded } = input;
  const leftOut: LeftOutVideo[] = [];
  const leave = ({ id, title }: Video, reason: LeftOutReason) => leftOut.push({ videoId: id, title, reason });

  const seen = new Set<string>();
  const taking = input.videos.filter((video): video is LabelledVideo => {
    const reason = reasonToLeave(video, sides, isEmbedded, seen);
    if (reason === null) seen.add(video.contentHash);
    else leave(video, reason);
    return reason === null;
  });
  const asks = (video: Video) => sides === null || sides.get(video.id) === 'query';
  const gallery = taking.filter((video) => sides === null || sides.get(video.id) === 'gallery');
  const counts = countLabels(gallery);
  const answerable = taking.filter(asks).filter((video) => {
    const others = (counts.get(video.label) ?? 0) - (sides === null ? 1 : 0);
    if (others === 0) leave(video, sides === null ? 'LABEL_HAS_ONE_VIDEO' : 'LABEL_NOT_IN_GALLERY');
    return others > 0;
  });
  tellLonelyLabels(answerable, taking.filter(asks), sides === null, input.problems);

  const queries = draw(answerable, input.maxQueries, input.seed);
  const drawn = new Set(queries.map(({ id }) => id));
  for (const video of answerable) if (!drawn.has(video.id)) leave(video, 'NOT_DRAWN');
  return { queries, gallery, leftOut };
}

export function countLabels(videos: readonly LabelledVideo[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { label } of videos) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

function reasonToLeave(
  video: Video,
  sides: ReadonlyMap<number, Side> | null,
  isEmbedded: (videoId: number) => boolean,
  seen: ReadonlySet<string>,
): LeftOutReason | null {
  if (sides !== null && !sides.has(video.id)) return 'NOT_IN_SPLIT';
  if (video.label === null) return 'NO_LABEL';
  if (!isEmbedded(video.id)) return 'NOT_EMBEDDED';
  return seen.has(video.contentHash) ? 'DUPLICATE_CONTENT' : null;
}

/** Labels of which no query can be right. */
function tellLonelyLabels(
  answerable: readonly LabelledVideo[],
  asking: readonly LabelledVideo[],
  leaveOneOut: boolean,
  problems: Problems,
): void {
  const fine = new Set(answerable.map(({ label }) => label));
  const lonely = new Set(asking.flatMap(({ label }) => (fine.has(label) ? [] : [label])));
  for (const label of [...lonely].sort(compareText)) {
    if (leaveOneOut) {
      problems.add('LABEL_HAS_ONE_VIDEO', 'Only one video has the label: it cannot be a query', label);
    } else {
      problems.add('LABEL_NOT_IN_GALLERY', 'No video of the gallery has the label of a query', label);
    }
  }
}

/** At most `count`, in their old order. */
function draw<T>(items: readonly T[], count: number | null, seed: number): T[] {
  if (count === null || items.length <= count) return [...items];
  const random = seeded(seed);
  const left = [...items.keys()];
  const chosen = new Set<number>();
  while (chosen.size < count) {
    const position = pick(random, left);
    left.splice(left.indexOf(position), 1);
    chosen.add(position);
  }
  return items.filter((_, position) => chosen.has(position));
}
