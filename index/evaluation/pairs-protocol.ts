import { errorCodeOf, errorMessageOf } from '../errors.js';
import { STOPPING_CODES } from '../library/job-status.js';
import type { SearchHit } from '../search/types.js';
import { CONFIDENCE } from './bootstrap.js';
import type { EvaluationContext, ReportBody } from './evaluator.js';
import { type Pair, readPairs } from './pairs.js';
import { MAX_QUERIES_TOLD } from './problems.js';
import { targetFigures, targetOutcome } from './target-figures.js';
import type { PairQuery, PairsReport, PairsRequest } from './types.js';
import { VideoFinder } from './video-finder.js';
import { cancelled } from './video-ranking.js';

/** A query counts at k when its target is among the first k hits of a search, as the product makes it. */
export async function evaluatePairs(
  request: PairsRequest,
  context: EvaluationContext,
): Promise<ReportBody<PairsReport>> {
  const { library, videos, problems, signal } = context;
  const finder = await VideoFinder.over(library, videos, request.baseFolder);
  const pairs = await readPairs(request, finder, problems);
  const { k, seed, resamples } = request;
  const largest = k.at(-1) as number;
  if (largest > videos.length) {
    problems.add('K_LARGER_THAN_LIBRARY', `There are ${videos.length} videos to find only`, `k = ${largest}`);
  }
  const outcomes: PairQuery[] = [];
  for (const [position, pair] of pairs.entries()) {
    if (signal.aborted) throw cancelled();
    context.onProgress(position, pairs.length);
    const hits = await hitsOf(pair, request, context);
    if (hits === null) continue;
    outcomes.push({
      line: pair.line,
      query: pair.name,
      targetVideoId: pair.target.id,
      ...targetOutcome(hits, (videoId) => videoId === pair.target.id, pair.expected),
    });
  }
  context.onProgress(pairs.length, pairs.length);
  if (outcomes.length === 0) problems.add('NO_QUERIES', 'No line of the CSV could be searched with');
  return {
    protocol: 'pairs',
    settings: { k, seed, resamples, confidence: CONFIDENCE },
    queryCount: outcomes.length,
    ...(await targetFigures(outcomes, k, { resamples, seed })),
    queries: outcomes.slice(0, MAX_QUERIES_TOLD),
  };
}

/** Null when the query cannot be searched with, which is told as a problem. */
async function hitsOf(
  { query, target, name, line }: Pair,
  { k, collection }: PairsRequest,
  { searcher, problems, signal }: EvaluationContext,
): Promise<SearchHit[] | null> {
  try {
    const { hits } = await searcher.search({
      query:
        query.kind === 'video'
          ? { kind: 'video', videoId: query.video.id }
          : { kind: 'file', filePath: query.filePath },
      k: k.at(-1) as number,
      collection: collection ?? undefined,
      // Unless it is to find itself.
      excludeSelf: query.kind === 'video' && query.video.id !== target.id,
      signal,
    });
    return hits;
  } catch (error) {
    const code = errorCodeOf(error);
    if (STOPPING_CODES.has(code)) throw error;
    problems.add(code, 'A query cannot be searched with', `line ${line}: ${name}: ${errorMessageOf(error)}`);
    return null;
  }
}
