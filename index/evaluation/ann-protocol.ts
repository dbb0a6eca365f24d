import { exactNeighbours, neighbourRecall } from '../vectors/exact-neighbours.js';
import type { Neighbours } from '../vectors/types.js';
import { bootstrapMeans, CONFIDENCE, quantile } from './bootstrap.js';
import type { EvaluationContext, ReportBody } from './evaluator.js';
import { pick, seeded } from './seeded-random.js';
import type { AnnLevel, AnnReport, AnnRequest, Estimate } from './types.js';
import { cancelled } from './video-ranking.js';

const NEIGHBOURS = 10;
/** Exact searches that are timed one by one. */
const TIMED_EXACT_SEARCHES = 5;

/** Compares the index with exact search, at each ef: how many of the ten nearest it finds, and how long it takes. */
export async function evaluateAnn(
  request: AnnRequest,
  context: EvaluationContext,
): Promise<ReportBody<AnnReport>> {
  const { efs, seed, resamples, queryCount: wanted, targetRecall } = request;
  const { library, index, model, problems, signal } = context;
  const queries = await drawQueries(request, context);
  const { dimension } = model;
  const queryCount = queries.length / dimension;
  const query = (row: number) => queries.slice(row * dimension, (row + 1) * dimension);
  const total = (efs.length + 1) * queryCount;
  const settings = {
    efs,
    seed,
    resamples,
    queryCount: wanted,
    targetRecall,
    k: NEIGHBOURS,
    confidence: CONFIDENCE,
  };
  if (queryCount === 0) {
    problems.add('NO_QUERIES', 'There are no segments of this model to ask with');
    return { protocol: 'ann', settings, queryCount, exact: { p50Ms: null }, levels: [], chosenEf: null };
  }
  const common = { library, modelId: model.id, dimension, k: NEIGHBOURS, signal };
  const exact = await exactNeighbours({ ...common, queries });
  const exactTimes = await times(Math.min(TIMED_EXACT_SEARCHES, queryCount), (row) =>
    exactNeighbours({ ...common, queries: query(row) }),
  );
  const levels: AnnLevel[] = [];
  for (const [level, ef] of efs.entries()) {
    const found: Neighbours[] = [];
    const taken = await times(queryCount, async (row) => {
      if (signal.aborted) throw cancelled();
      context.onProgress((level + 1) * queryCount + row, total);
      found.push(...(await index.search(query(row), NEIGHBOURS, { searchEf: ef })));
    });
    const recalls = found.map((one, row) => neighbourRecall(one, exact[row] as Neighbours));
    const [recall] = await bootstrapMeans([recalls], { resamples, seed });
    levels.push({
      ef,
      recall: recall as Estimate,
      p50Ms: quantile(taken, 0.5),
      p99Ms: quantile(taken, 0.99),
    });
  }
  context.onProgress(total, total);
  return {
    protocol: 'ann',
    settings,
    queryCount,
    exact: { p50Ms: quantile(exactTimes, 0.5) },
    levels,
    chosenEf: levels.find(({ recall }) => (recall.value ?? 0) >= targetRecall)?.ef ?? null,
  };
}

/** Milliseconds of each call, ascending. */
async function times(count: number, call: (row: number) => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  for (let row = 0; row < count; row += 1) {
    const startedAt = performance.now();
    await call(row);
    taken.push(performance.now() - startedAt);
  }
  return taken.sort((a, b) => a - b);
}

/**
 * What a clip gives that lies between two stored ones, as those of uploads do: the middle of the embeddings of two successive
 * segments. A stored embedding itself would be found at once. [queryCount, dimension], unit-norm
 */
async function drawQueries(
  { queryCount, seed }: AnnRequest,
  { videos, library, model }: EvaluationContext,
): Promise<Float32Array> {
  const random = seeded(seed);
  const { dimension } = model;
  const rows: Float32Array[] = [];
  const left = [...videos];
  // One a video in turn, so that a long video does not ask most of the questions.
  for (let tries = 0; rows.length < queryCount && left.length > 0 && tries < 100 * queryCount; tries += 1) {
    const video = pick(random, left);
    const { ids, vectors } = await library.embeddingsOf(video.id, model.id);
    if (ids.length === 0) left.splice(left.indexOf(video), 1);
    else rows.push(middle(vectors, Math.floor(random() * ids.length), dimension));
  }
  const queries = new Float32Array(rows.length * dimension);
  for (const [i, row] of rows.entries()) queries.set(row, i * dimension);
  return queries;
}

/** Of a row and the next one, or the row itself when it is the last or the two cancel out. */
function middle(vectors: Float32Array, row: number, dimension: number): Float32Array {
  const own = vectors.slice(row * dimension, (row + 1) * dimension);
  const next = vectors.subarray((row + 1) * dimension, (row + 2) * dimension);
  const sum = own.map((value, i) => value + (next[i] ?? 0));
  const norm = Math.hypot(...sum);
  return norm < 0.1 ? own : sum.map((value) => value / norm);
}
