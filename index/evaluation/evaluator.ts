import { CliptraceError } from '../errors.js';
import { allVideos } from '../library/all-videos.js';
import type { Library, Video } from '../library/types.js';
import type { FfmpegProgram, MediaLimits } from '../media/types.js';
import type { Searcher } from '../search/types.js';
import type { SegmentIndex } from '../vectors/types.js';
import { evaluateAnn } from './ann-protocol.js';
import { compareReports } from './comparison.js';
import { evaluateEdits } from './edits-protocol.js';
import { evaluateLabels } from './labels-protocol.js';
import { evaluatePairs } from './pairs-protocol.js';
import { Problems } from './problems.js';
import type { EvaluationReport, EvaluationRequest } from './types.js';

/** What every evaluation works with. */
export interface EvaluatorParts {
  library: Library;
  searcher: Searcher;
  index: SegmentIndex;
  model: { id: string; dimension: number; timesteps: number };
  /** To make the clips of the edits protocol. */
  ffmpeg: FfmpegProgram;
  limits: MediaLimits;
  temporaryFolder: string;
  /** Path of the video's file as it lies on disk now. VIDEO_NOT_FOUND, MEDIA_MISSING. */
  mediaPath(videoId: number): Promise<string>;
}

/** What one evaluation works with. */
export interface EvaluationContext extends EvaluatorParts {
  /** Of the library or the collection, by id. */
  videos: readonly Video[];
  problems: Problems;
  signal: AbortSignal;
  onProgress(queriesDone: number, queriesTotal: number): void;
}

/** What a protocol adds to a report. */
export type ReportBody<R extends EvaluationReport> = Omit<
  R,
  'formatVersion' | 'model' | 'library' | 'elapsedSeconds' | 'problems' | 'comparison'
>;

/** Runs one evaluation. COLLECTION_NOT_FOUND, CANCELLED, USAGE; what is wrong with parts of the input stands in the report. */
export async function evaluate(
  request: EvaluationRequest,
  parts: EvaluatorParts,
  run: Pick<EvaluationContext, 'signal' | 'onProgress'>,
): Promise<EvaluationReport> {
  const startedAt = performance.now();
  const { library, model } = parts;
  const problems = new Problems();
  const lastChange = await library.lastSequence();
  const collection = request.collection ?? undefined;
  await requireCollection(library, collection);
  const segmentCount = await library.countSegments(model.id, { collection });
  const videos = await allVideos(library, collection);
  const context = { ...parts, videos, problems, ...run };
  const figures = await runProtocol(request, context);
  const report: EvaluationReport = {
    formatVersion: 1,
    model: { id: model.id, dimension: model.dimension, timesteps: model.timesteps },
    library: { collection: request.collection, videoCount: videos.length, segmentCount, lastChange },
    elapsedSeconds: Math.round(performance.now() - startedAt) / 1000,
    problems: problems.list(),
    comparison: null,
    ...figures,
  };
  const comparison = await compare(report, request, context);
  return { ...report, comparison, problems: problems.list() };
}

async function compare(
  report: EvaluationReport,
  { against, resamples, seed }: EvaluationRequest,
  { library, problems }: EvaluationContext,
): Promise<EvaluationReport['comparison']> {
  if (!against) return null;
  const evaluationId = 'evaluationId' in against ? against.evaluationId : null;
  const there =
    'report' in against ? against.report : (await library.getEvaluation(against.evaluationId))?.report;
  const comparison = there ? await compareReports(report, there, { resamples, seed, evaluationId }) : null;
  if (!comparison) {
    problems.add(
      'NOTHING_TO_COMPARE',
      'The other evaluation is not done, of another protocol, or has no query in common with this one',
    );
  }
  return comparison;
}

function runProtocol(request: EvaluationRequest, context: EvaluationContext) {
  switch (request.protocol) {
    case 'labels':
      return evaluateLabels(request, context);
    case 'edits':
      return evaluateEdits(request, context);
    case 'ann':
      return evaluateAnn(request, context);
    case 'pairs':
      return evaluatePairs(request, context);
  }
}

async function requireCollection(library: Library, name: string | undefined): Promise<void> {
  if (name === undefined) return;
  const collections = await library.listCollections();
  if (collections.some((collection) => collection.name === name)) return;
  throw new CliptraceError('COLLECTION_NOT_FOUND', `There is no collection ${JSON.stringify(name)}`);
}
