import type { Job } from '../library/types.js';
import type { EvaluationReport, EvaluationRequest, EvaluationSummary, StoredEvaluation } from './types.js';

interface EvaluationState {
  /** Also that of its job. */
  id: number;
  protocol: EvaluationRequest['protocol'];
  collection: string | null;
  status: Job['status'];
  progress: { queriesTotal: number | null; queriesDone: number };
  error: Job['error'];
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
}

/** One evaluation, as the command and the HTTP interface tell it. */
export interface EvaluationJson extends EvaluationState {
  /** Null until it is done. */
  report: EvaluationReport | null;
}

export interface EvaluationSummaryJson extends EvaluationState {
  summary: EvaluationSummary | null;
}

export function presentEvaluation(job: Job, { report }: Pick<StoredEvaluation, 'report'>): EvaluationJson {
  return { ...stateOf(job), report };
}

export function presentEvaluationSummary(
  job: Job,
  { summary }: { summary: EvaluationSummary | null },
): EvaluationSummaryJson {
  return { ...stateOf(job), summary };
}

function stateOf(job: Job): EvaluationState {
  const { id, request, status, progress, error, createdAt, startedAt, endedAt } = job;
  if (request.type !== 'evaluate') throw new Error(`Job ${id} is no evaluation.`);
  const { protocol, collection } = request;
  const { queriesTotal, queriesDone } = progress;
  return {
    id,
    protocol,
    collection,
    status,
    progress: { queriesTotal, queriesDone },
    error,
    createdAt,
    startedAt,
    endedAt,
  };
}
