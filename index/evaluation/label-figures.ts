import { compareText } from '../compare-text.js';
import { bootstrapMeans } from './bootstrap.js';
import { countsAt } from './retrieval-metrics.js';
import type { Estimate, LabelFigures, LabelQuery, RecallAt } from './types.js';

interface Figures {
  recall: RecallAt[];
  meanAveragePrecision: Estimate;
}

type Outcome = Pick<LabelQuery, 'firstHitRank' | 'averagePrecision'>;

/** recall@k for each k, and the mean average precision. */
export async function figuresOf(
  queries: readonly Outcome[],
  ks: readonly number[],
  options: { resamples: number; seed: number },
): Promise<Figures> {
  const columns = [
    ...ks.map((k) => queries.map(({ firstHitRank }) => countsAt(firstHitRank, k))),
    queries.map(({ averagePrecision }) => averagePrecision),
  ];
  const estimates = await bootstrapMeans(columns, options);
  return {
    recall: ks.map((k, i) => ({ k, ...(estimates[i] as Estimate) })),
    meanAveragePrecision: estimates[ks.length] as Estimate,
  };
}

/** The same for the queries of each label, by name. */
export async function figuresByLabel(
  queries: readonly (Outcome & { label: string })[],
  galleryCounts: ReadonlyMap<string, number>,
  ks: readonly number[],
  options: { resamples: number; seed: number },
): Promise<LabelFigures[]> {
  const labels = [...new Set(queries.map(({ label }) => label))].sort(compareText);
  const figures: LabelFigures[] = [];
  for (const label of labels) {
    const own = queries.filter((query) => query.label === label);
    figures.push({
      label,
      queryCount: own.length,
      galleryCount: galleryCounts.get(label) ?? 0,
      ...(await figuresOf(own, ks, options)),
    });
  }
  return figures;
}
