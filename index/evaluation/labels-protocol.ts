import type { Video } from '../library/types.js';
import { CONFIDENCE } from './bootstrap.js';
import { confusionOf } from './confusion.js';
import type { EvaluationContext, ReportBody } from './evaluator.js';
import { figuresByLabel, figuresOf } from './label-figures.js';
import { countLabels, type LabelledVideo, type LabelsPlan, planLabels } from './plan-labels.js';
import { leftOutOf, MAX_QUERIES_TOLD } from './problems.js';
import { scoreRanking } from './retrieval-metrics.js';
import { readSplit } from './split.js';
import type { LabelQuery, LabelsReport, LabelsRequest } from './types.js';
import { VideoFinder } from './video-finder.js';
import { type RankedVideo, type RankVideos, rankByEmbedding, rankBySearch } from './video-ranking.js';

/** A query counts at k when one of its k nearest other videos has its label. */
export async function evaluateLabels(
  request: LabelsRequest,
  context: EvaluationContext,
): Promise<ReportBody<LabelsReport>> {
  const plan = await makePlan(request, context);
  const { queries, gallery } = plan;
  tellOddSizes(request, plan, context);

  const rank = await rankerFor(request, context, gallery);
  const galleryCounts = countLabels(gallery);
  const galleryById = new Map(gallery.map((video) => [video.id, video]));
  const outcomes: LabelQuery[] = [];
  for (const query of queries) {
    context.onProgress(outcomes.length, queries.length);
    const others = (galleryCounts.get(query.label) ?? 0) - (galleryById.has(query.id) ? 1 : 0);
    outcomes.push(outcomeOf(query, await rank(query), galleryById, others));
  }
  context.onProgress(outcomes.length, queries.length);

  const { k, ranking, maxQueries, seed, resamples } = request;
  const bootstrap = { resamples, seed };
  return {
    protocol: 'labels',
    settings: {
      k,
      ranking,
      maxQueries,
      seed,
      resamples,
      queries: request.splitCsv === null ? 'leave-one-out' : 'split',
      rankingDepth: ranking === 'search' ? depthOf(k) : null,
      confidence: CONFIDENCE,
    },
    queryCount: queries.length,
    galleryCount: gallery.length,
    ...(await figuresOf(outcomes, k, bootstrap)),
    perLabel: await figuresByLabel(outcomes, galleryCounts, k, bootstrap),
    confusion: confusionOf(
      outcomes.map(({ label, nearest }) => ({ label, nearestLabel: nearest?.label ?? null })),
    ),
    leftOut: leftOutOf(plan.leftOut),
    queries: outcomes.slice(0, MAX_QUERIES_TOLD),
  };
}

async function makePlan(request: LabelsRequest, context: EvaluationContext): Promise<LabelsPlan> {
  const { library, model, videos, problems } = context;
  const embedded = new Set<number>();
  for (const { id } of videos) if (await library.hasSegments(id, model.id)) embedded.add(id);
  const sides =
    request.splitCsv === null
      ? null
      : readSplit(request.splitCsv, await VideoFinder.over(library, videos, request.baseFolder), problems);
  return planLabels({
    videos,
    sides,
    isEmbedded: (videoId) => embedded.has(videoId),
    maxQueries: request.maxQueries,
    seed: request.seed,
    problems,
  });
}

function tellOddSizes(
  { k: ks, splitCsv }: LabelsRequest,
  { queries, gallery }: LabelsPlan,
  { problems }: EvaluationContext,
): void {
  if (queries.length === 0) {
    problems.add('NO_QUERIES', 'No video can be a query: see which were left out, and why');
    return;
  }
  const rankable = splitCsv === null ? gallery.length - 1 : gallery.length;
  for (const k of ks.filter((k) => k > rankable)) {
    problems.add(
      'K_LARGER_THAN_LIBRARY',
      `A query has ${rankable} other videos only: recall at a larger k is that of all of them`,
      `k = ${k}`,
    );
  }
}

async function rankerFor(
  { ranking, k, collection }: LabelsRequest,
  context: EvaluationContext,
  gallery: readonly Video[],
): Promise<RankVideos> {
  const { library, model, videos, searcher, signal } = context;
  if (ranking === 'search') {
    return rankBySearch({
      searcher,
      collection,
      gallery,
      libraryCount: videos.length,
      depth: depthOf(k),
      signal,
    });
  }
  return rankByEmbedding({ library, modelId: model.id, dimension: model.dimension, gallery, signal });
}

function depthOf(ks: readonly number[]): number {
  return Math.max(...ks);
}

function outcomeOf(
  query: LabelledVideo,
  ranking: readonly RankedVideo[],
  gallery: ReadonlyMap<number, LabelledVideo>,
  relevantCount: number,
): LabelQuery {
  const labels = ranking.map(({ videoId }) => gallery.get(videoId)?.label ?? null);
  const [first] = ranking;
  const nearest = first && gallery.get(first.videoId);
  return {
    videoId: query.id,
    contentHash: query.contentHash,
    title: query.title,
    label: query.label,
    ...scoreRanking(
      labels.map((label) => label === query.label),
      relevantCount,
    ),
    nearest:
      first && nearest
        ? {
            videoId: nearest.id,
            title: nearest.title,
            label: nearest.label,
            similarity: Math.round(first.similarity * 10_000) / 10_000,
          }
        : null,
  };
}
