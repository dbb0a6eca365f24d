import { CliptraceError } from '../errors.js';
import { NO_PROGRESS } from '../library/jobs.js';
import type { JobProgress } from '../library/types.js';
import { type EvaluatorParts, evaluate } from './evaluator.js';
import { summaryOf } from './summary.js';

/** Runs the evaluation that a job stands for, and keeps its report. The progress of the job when it is done. */
export type EvaluationRunner = (
  jobId: number,
  run: { signal: AbortSignal; onProgress(progress: JobProgress): void },
) => Promise<JobProgress>;

/** How often the progress is told. */
const TELL_INTERVAL_MS = 250;

export function createEvaluationRunner(parts: EvaluatorParts): EvaluationRunner {
  return async (jobId, { signal, onProgress }) => {
    const stored = await parts.library.getEvaluation(jobId);
    if (!stored) {
      throw new CliptraceError('EVALUATION_NOT_FOUND', `There is no evaluation ${jobId}`);
    }
    let progress: JobProgress = NO_PROGRESS;
    let toldAtMs = 0;
    const report = await evaluate(stored.request, parts, {
      signal,
      onProgress: (queriesDone, queriesTotal) => {
        progress = { ...NO_PROGRESS, queriesDone, queriesTotal };
        const nowMs = performance.now();
        if (nowMs - toldAtMs < TELL_INTERVAL_MS) return;
        toldAtMs = nowMs;
        onProgress(progress);
      },
    });
    await parts.library.finishEvaluation(jobId, report, summaryOf(report));
    return progress;
  };
}
