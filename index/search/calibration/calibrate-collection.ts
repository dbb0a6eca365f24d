import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { ModelManifest } from '../../encoder/manifest.js';
import { CliptraceError, errorCodeOf, errorMessageOf } from '../../errors.js';
import { drawParts } from '../../evaluation/edits/draw-parts.js';
import { editPairs, PROTOCOL_EDITS } from '../../evaluation/edits/edit-pairs.js';
import { makeEdit } from '../../evaluation/edits/make-edit.js';
import { planEdit } from '../../evaluation/edits/plan-edit.js';
import type { EditTruth } from '../../evaluation/edits/types.js';
import { pick, seeded } from '../../evaluation/seeded-random.js';
import type { TaskRunner } from '../../ingest/types.js';
import { allVideos } from '../../library/all-videos.js';
import { NO_PROGRESS } from '../../library/jobs.js';
import { temporaryPrefix } from '../../library/own-files.js';
import type { Library, Video } from '../../library/types.js';
import type { FfmpegProgram, MediaLimits } from '../../media/types.js';
import type { Span } from '../../span.js';
import type { Searcher, SearchHit } from '../types.js';
import { standsIn } from './copies.js';
import { type CalibrationQuery, fitCalibration } from './fit-calibration.js';
import type { Calibration } from './types.js';

export interface CalibrationParts {
  library: Library;
  searcher: Searcher;
  ffmpeg: FfmpegProgram;
  limits: MediaLimits;
  manifest: ModelManifest;
  temporaryFolder: string;
  /** Of a collection that can be calibrated; LEAST_VIDEOS unless told. */
  leastVideos?: number | undefined;
  mediaPath(videoId: number): Promise<string>;
}

/** Fewer videos have too few others to tell how like unrelated videos are: then what came with the model holds. */
export const LEAST_VIDEOS = 25;
export const USUAL_QUERY_COUNT = 80;
const PAIR_SHARE = 0.3;
/** Hits of a query that are looked at. */
const HITS = 12;
/** Only what is about as like as the source may be a copy of it under another name. */
const COPY_MARGIN = 0.1;
const MOSTLY_BOILERPLATE = 0.5;

/** A job that fits the scores of a collection: seeded edits of its own videos are searched as uploads are, through the same code. */
export function createCalibrationTask(parts: CalibrationParts): TaskRunner {
  return async (job, { signal, onProgress }) => {
    if (job.request.type !== 'calibrate') throw new CliptraceError('INTERNAL', 'This job calibrates nothing');
    const { collection, queryCount, seed } = job.request;
    const videos = await allVideos(parts.library, collection);
    const leastVideos = parts.leastVideos ?? LEAST_VIDEOS;
    if (videos.length < leastVideos) {
      throw new CliptraceError(
        'TOO_FEW_VIDEOS',
        `The collection "${collection}" has ${videos.length} videos, and ${leastVideos} are needed to fit its scores. ` +
          'Until then, those that came with the encoder hold.',
      );
    }
    const random = seeded(seed);
    const drawn = drawParts({ videos, count: queryCount, random });
    const pairs = editPairs();
    const queries: CalibrationQuery[] = [];
    const skipped: { videoId: number; code: string; message: string }[] = [];
    for (const [i, { video, part }] of drawn.entries()) {
      if (signal.aborted) throw new CliptraceError('CANCELLED', 'The calibration was cancelled');
      const edits = random() < PAIR_SHARE ? pick(random, pairs) : [pick(random, PROTOCOL_EDITS)];
      const plan = planEdit({ edits, part, picture: video, random });
      try {
        queries.push(await searchEdited(parts, { collection, video, part, plan, jobId: job.id, signal }));
      } catch (error) {
        if (signal.aborted) throw error;
        // A file that is gone or cannot be read tells nothing of scores.
        skipped.push({ videoId: video.id, code: errorCodeOf(error), message: errorMessageOf(error) });
      }
      onProgress({ ...NO_PROGRESS, queriesDone: i + 1, queriesTotal: drawn.length });
    }
    const calibration = fitCalibration({
      modelId: parts.manifest.id,
      videoCount: videos.length,
      queries,
      fittedAt: new Date().toISOString(),
    });
    if (calibration.positiveCount === 0) {
      throw new CliptraceError(
        'TOO_FEW_VIDEOS',
        `None of ${drawn.length} edited parts of "${collection}" was found again. ` +
          (skipped[0]?.message ?? 'Are its videos shorter than 3 s?'),
        { details: { skipped: skipped.slice(0, 10) } },
      );
    }
    await parts.library.putCalibration(collection, calibration);
    await parts.library.putJobResult(job.id, { ...calibration, skipped });
    return { ...NO_PROGRESS, queriesDone: drawn.length, queriesTotal: drawn.length };
  };
}

/** Asks for a calibration when the collection is large enough and has none, or has grown twofold since. */
export async function calibrateIfGrown(
  { library, modelId }: { library: Library; modelId: string },
  collection: string,
): Promise<void> {
  const videoCount =
    (await library.listCollections()).find(({ name }) => name === collection)?.videoCount ?? 0;
  if (videoCount < LEAST_VIDEOS) return;
  const known: Calibration | null = await library.getCalibration(collection, modelId);
  if (known && videoCount < 2 * known.videoCount) return;
  const isWaiting = (await library.pendingJobs()).some(
    ({ request }) => request.type === 'calibrate' && request.collection === collection,
  );
  if (isWaiting) return;
  await library.createJob({ type: 'calibrate', collection, queryCount: USUAL_QUERY_COUNT, seed: 1 });
}

async function searchEdited(
  parts: CalibrationParts,
  input: {
    collection: string;
    video: Video;
    part: Span;
    plan: ReturnType<typeof planEdit>;
    jobId: number;
    signal: AbortSignal;
  },
): Promise<CalibrationQuery> {
  const { collection, video, part, plan, signal } = input;
  const outPath = path.join(parts.temporaryFolder, `${temporaryPrefix('calibration')}${input.jobId}.mkv`);
  try {
    const filePath = await parts.mediaPath(video.id);
    await makeEdit({ ffmpeg: parts.ffmpeg, filePath, plan, outPath, limits: parts.limits, signal });
    const { hits } = await parts.searcher.search({
      query: { kind: 'file', filePath: outPath },
      k: HITS,
      collection,
      signal,
    });
    const source = hits.find((hit) => hit.video.id === video.id && isThere(hit, plan.truth));
    const others: SearchHit[] = [];
    for (const hit of hits) {
      // A common ident does not make other footage of it.
      if (hit.video.id === video.id || hit.boilerplate >= MOSTLY_BOILERPLATE) continue;
      const isNear = hit.evidence.similarity >= (source?.evidence.similarity ?? 1) - COPY_MARGIN;
      if (isNear && (await standsIn(parts, { videoId: video.id, part }, hit.video.id, signal))) continue;
      others.push(hit);
    }
    return { source: source?.evidence ?? null, others: others.map(({ evidence }) => evidence) };
  } finally {
    await rm(outPath, { force: true });
  }
}

/** The hit covers something of what the edit took. */
function isThere(hit: SearchHit, { shared }: EditTruth): boolean {
  return shared.some(
    ({ video }) => hit.startSeconds < video.endSeconds && hit.endSeconds > video.startSeconds,
  );
}
