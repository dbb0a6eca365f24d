import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { compareText } from '../compare-text.js';
import { errorCodeOf, errorMessageOf } from '../errors.js';
import { STOPPING_CODES } from '../library/job-status.js';
import { EDITED_CLIP, temporaryPrefix } from '../library/own-files.js';
import type { Video } from '../library/types.js';
import { CONFIDENCE } from './bootstrap.js';
import { type EditQuery, planEditQueries, trueRange } from './edit-queries.js';
import { makeEdit } from './edits/make-edit.js';
import { partOf } from './edits/part-of.js';
import type { EvaluationContext, ReportBody } from './evaluator.js';
import { backwardsFigures, backwardsQueries } from './played-backwards.js';
import { leftOutOf, MAX_QUERIES_TOLD } from './problems.js';
import { targetFigures, targetOutcome } from './target-figures.js';
import type {
  EditFigures,
  EditGroup,
  EditOutcome,
  EditsReport,
  EditsRequest,
  LeftOutVideo,
} from './types.js';
import { cancelled } from './video-ranking.js';

/** A part that is cut has at least this length. */
const SHORTEST_SECONDS = 3;
/** Edits that the features themselves see. */
const HARD_EDITS = ['mirror', 'speed-0.8', 'speed-1.25'];
/** A clip that plays backwards does not show what its source does. */
const NOT_SINGLE = [...HARD_EDITS, 'reverse'];

/** Parts of the library's own videos are edited and searched as uploads; a query counts at k when its source is among the first k hits. */
export async function evaluateEdits(
  request: EditsRequest,
  context: EvaluationContext,
): Promise<ReportBody<EditsReport>> {
  const { k, seed, resamples, partCount, edits, pairsPerPart } = request;
  const { usable, leftOut } = await usableVideos(context);
  const queries = planEditQueries({ videos: usable, partCount, edits, pairsPerPart, seed });
  if (queries.length === 0) context.problems.add('NO_QUERIES', 'No video is long enough to be cut');
  const largest = k.at(-1) as number;
  if (largest > context.videos.length) {
    const message = `There are ${context.videos.length} videos to find only`;
    context.problems.add('K_LARGER_THAN_LIBRARY', message, `k = ${largest}`);
  }
  const backwards = backwardsQueries(queries);
  const all = await searchAll([...queries, ...backwards], request, context);
  const outcomes = all.filter(({ position }) => position < queries.length).map(({ outcome }) => outcome);
  const played = all.filter(({ position }) => position >= queries.length).map(({ outcome }) => outcome);
  const bootstrap = { resamples, seed };
  const figures = async (chosen: readonly EditOutcome[]): Promise<EditFigures> => ({
    queryCount: chosen.length,
    ...(await targetFigures(chosen, k, bootstrap, partOf)),
  });
  const groups: EditGroup[] = [];
  for (const { name, holds } of GROUPS) {
    const chosen = outcomes.filter((outcome) => holds(outcome.edits));
    if (chosen.length > 0) groups.push({ name, ...(await figures(chosen)) });
  }
  const byEdit: EditsReport['byEdit'] = [];
  for (const [name, chosen] of grouped(outcomes)) {
    byEdit.push({ edits: name.split('+'), ...(await figures(chosen)) });
  }
  return {
    protocol: 'edits',
    settings: { k, seed, resamples, confidence: CONFIDENCE, partCount, edits, pairsPerPart },
    ...(await figures(outcomes)),
    groups,
    playedBackwards: await backwardsFigures(outcomes, played, bootstrap),
    byEdit,
    leftOut: leftOutOf(leftOut),
    queries: outcomes.slice(0, MAX_QUERIES_TOLD),
  };
}

const GROUPS: readonly { name: EditGroup['name']; holds: (edits: readonly string[]) => boolean }[] = [
  {
    name: 'single',
    holds: (edits) => edits.length === 1 && !edits.some((edit) => NOT_SINGLE.includes(edit)),
  },
  {
    name: 'mirror-and-speed',
    holds: (edits) => edits.length === 1 && edits.some((edit) => HARD_EDITS.includes(edit)),
  },
  { name: 'pairs', holds: (edits) => edits.length === 2 },
];

/** Single edits first, in the order of the request; then pairs, by name. */
function grouped(outcomes: readonly EditOutcome[]): [string, EditOutcome[]][] {
  const groups = new Map<string, EditOutcome[]>();
  for (const outcome of outcomes) {
    const name = outcome.edits.join('+');
    const list = groups.get(name);
    if (list) list.push(outcome);
    else groups.set(name, [outcome]);
  }
  const singles = [...groups].filter(([name]) => !name.includes('+'));
  const pairs = [...groups].filter(([name]) => name.includes('+')).sort(([a], [b]) => compareText(a, b));
  return [...singles, ...pairs];
}

async function usableVideos({
  videos,
  library,
  model,
}: EvaluationContext): Promise<{ usable: Video[]; leftOut: LeftOutVideo[] }> {
  const usable: Video[] = [];
  const leftOut: LeftOutVideo[] = [];
  for (const video of videos) {
    const reason =
      video.durationSeconds < SHORTEST_SECONDS
        ? 'TOO_SHORT'
        : (await library.hasSegments(video.id, model.id))
          ? null
          : 'NOT_EMBEDDED';
    if (reason === null) usable.push(video);
    else leftOut.push({ videoId: video.id, title: video.title, reason });
  }
  return { usable, leftOut };
}

async function searchAll(
  queries: readonly EditQuery[],
  request: EditsRequest,
  context: EvaluationContext,
): Promise<{ position: number; outcome: EditOutcome }[]> {
  const contentOf = new Map(context.videos.map(({ id, contentHash }) => [id, contentHash]));
  const folder = await mkdtemp(path.join(context.temporaryFolder, temporaryPrefix('edits')));
  const outcomes: { position: number; outcome: EditOutcome }[] = [];
  try {
    for (const [position, query] of queries.entries()) {
      if (context.signal.aborted) throw cancelled();
      context.onProgress(position, queries.length);
      const outcome = await searchOne(query, path.join(folder, EDITED_CLIP), request, context, contentOf);
      if (outcome) outcomes.push({ position, outcome });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  context.onProgress(queries.length, queries.length);
  return outcomes;
}

/** Null when the clip cannot be made or searched with, which is told as a problem. */
async function searchOne(
  { video, plan }: EditQuery,
  outPath: string,
  { k, collection }: EditsRequest,
  context: EvaluationContext,
  contentOf: ReadonlyMap<number, string>,
): Promise<EditOutcome | null> {
  const { ffmpeg, limits, searcher, signal, problems } = context;
  try {
    const filePath = await context.mediaPath(video.id);
    await makeEdit({ ffmpeg, filePath, plan, outPath, limits, signal });
    const { hits } = await searcher.search({
      query: { kind: 'file', filePath: outPath },
      k: k.at(-1) as number,
      collection: collection ?? undefined,
      signal,
    });
    const isSource = (videoId: number) => contentOf.get(videoId) === video.contentHash;
    return {
      videoId: video.id,
      contentHash: video.contentHash,
      title: video.title,
      edits: [...plan.edits],
      ...targetOutcome(hits, isSource, trueRange(plan)),
    };
  } catch (error) {
    const code = errorCodeOf(error);
    if (STOPPING_CODES.has(code)) throw error;
    const what = `video ${video.id}, ${plan.edits.join('+')}: ${errorMessageOf(error)}`;
    problems.add(code, 'An edited clip could not be made or searched with', what);
    return null;
  }
}
