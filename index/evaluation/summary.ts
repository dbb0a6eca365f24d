import type { EvaluationReport, EvaluationSummary } from './types.js';

/** The figures that a list of evaluations shows. */
export function summaryOf(report: EvaluationReport): EvaluationSummary {
  const { protocol, model, library, queryCount, problems } = report;
  return {
    protocol,
    modelId: model.id,
    collection: library.collection,
    queryCount,
    problemCount: problems.reduce((sum, { count }) => sum + count, 0),
    headline: headlineOf(report),
  };
}

function headlineOf(report: EvaluationReport): EvaluationSummary['headline'] {
  if (report.protocol === 'ann') {
    return report.levels.map(({ ef, recall }) => ({ name: `recall@10, ef ${ef}`, ...recall }));
  }
  return report.recall.map(({ k, ...estimate }) => ({ name: `recall@${k}`, ...estimate }));
}
