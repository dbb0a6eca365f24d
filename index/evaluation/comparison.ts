import { bootstrapMeans } from './bootstrap.js';
import { partOf } from './edits/part-of.js';
import { countsAt } from './retrieval-metrics.js';
import type { Comparison, Estimate, EvaluationReport } from './types.js';

/** What one query came to. */
interface Outcome {
  rank: number | null;
  /** Average precision, or the reciprocal rank. */
  quality: number;
  /** With what the query was made of, it is drawn. */
  group: string;
}

/**
 * Compares two reports of one protocol on the queries that both have: here minus there, with the interval of the paired
 * difference. Null when they have nothing in common to compare.
 */
export async function compareReports(
  here: EvaluationReport,
  there: EvaluationReport,
  options: { resamples: number; seed: number; evaluationId: number | null },
): Promise<Comparison | null> {
  if (here.protocol !== there.protocol || here.protocol === 'ann' || there.protocol === 'ann') return null;
  const [mine, others] = [outcomesOf(here), outcomesOf(there)];
  const keys = [...mine.keys()].filter((key) => others.has(key));
  const ks = here.settings.k.filter((k) => there.settings.k.includes(k));
  if (keys.length === 0) return null;
  const pairs = keys.map((key) => [mine.get(key) as Outcome, others.get(key) as Outcome] as const);
  const valuesAt = [
    ...ks.map(
      (k) =>
        ({ rank }: Outcome): number =>
          countsAt(rank, k),
    ),
    ({ quality }: Outcome) => quality,
  ];
  const columns = valuesAt.flatMap((read) => [
    pairs.map(([a]) => read(a)),
    pairs.map(([, b]) => read(b)),
    pairs.map(([a, b]) => read(a) - read(b)),
  ]);
  const groups = pairs.map(([{ group }]) => group);
  const estimates = await bootstrapMeans(columns, { ...options, groups });
  const figureAt = (position: number) => ({
    here: (estimates[3 * position] as Estimate).value,
    there: (estimates[3 * position + 1] as Estimate).value,
    difference: estimates[3 * position + 2] as Estimate,
  });
  return {
    against: { evaluationId: options.evaluationId, modelId: there.model.id },
    queryCount: keys.length,
    onlyHere: mine.size - keys.length,
    onlyThere: others.size - keys.length,
    recall: ks.map((k, position) => ({ k, ...figureAt(position) })),
    quality: {
      name: here.protocol === 'labels' ? 'meanAveragePrecision' : 'meanReciprocalRank',
      ...figureAt(ks.length),
    },
  };
}

/** By what a query is known in every library: the content of its video, and what was done to it. */
function outcomesOf(report: Exclude<EvaluationReport, { protocol: 'ann' }>): Map<string, Outcome> {
  switch (report.protocol) {
    case 'labels':
      return new Map(
        report.queries.map(({ contentHash, firstHitRank, averagePrecision }) => [
          contentHash,
          { rank: firstHitRank, quality: averagePrecision, group: contentHash },
        ]),
      );
    case 'edits':
      return new Map(
        report.queries.map((outcome) => [
          [partOf(outcome), outcome.edits.join('+')].join(' '),
          { rank: outcome.rank, quality: reciprocal(outcome.rank), group: partOf(outcome) },
        ]),
      );
    case 'pairs':
      return new Map(
        report.queries.map(({ line, query, rank }) => [
          `${line} ${query}`,
          { rank, quality: reciprocal(rank), group: `${line} ${query}` },
        ]),
      );
  }
}

function reciprocal(rank: number | null): number {
  return rank === null ? 0 : 1 / rank;
}
