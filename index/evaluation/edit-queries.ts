import type { Video } from '../library/types.js';
import type { Span } from '../span.js';
import { drawParts } from './edits/draw-parts.js';
import { editPairs } from './edits/edit-pairs.js';
import { planEdit } from './edits/plan-edit.js';
import type { EditName, EditPlan } from './edits/types.js';
import { pick, seeded } from './seeded-random.js';

/** A part of a video, and how it is edited. */
export interface EditQuery {
  video: Video;
  plan: EditPlan;
}

/**
 * Draws parts of the videos and lays out each with every edit alone and with some pairs of edits. Pairs take turns, so
 * that each is had equally often. The same for the same seed.
 */
export function planEditQueries(input: {
  videos: readonly Video[];
  partCount: number;
  edits: readonly EditName[];
  pairsPerPart: number;
  seed: number;
}): EditQuery[] {
  const { videos, partCount, edits, pairsPerPart } = input;
  const random = seeded(input.seed);
  const parts = drawParts({ videos, count: partCount, random });
  const pairs = editPairs(edits);
  let waiting: (readonly EditName[])[] = [];
  const nextPair = (): readonly EditName[] => {
    if (waiting.length === 0) waiting = [...pairs];
    const pair = pick(random, waiting);
    waiting.splice(waiting.indexOf(pair), 1);
    return pair;
  };
  return parts.flatMap(({ video, part }) => {
    const chosen: (readonly EditName[])[] = edits.map((edit) => [edit]);
    for (let i = 0; i < pairsPerPart && pairs.length > 0; i += 1) chosen.push(nextPair());
    const picture = { width: video.width, height: video.height };
    return chosen.map((names) => ({ video, plan: planEdit({ edits: names, part, picture, random }) }));
  });
}

/** From the first to the last moment of the video that the edited clip shows. */
export function trueRange({ truth }: EditPlan): Span {
  return {
    startSeconds: Math.min(...truth.shared.map(({ video }) => video.startSeconds)),
    endSeconds: Math.max(...truth.shared.map(({ video }) => video.endSeconds)),
  };
}
