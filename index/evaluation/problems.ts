import type { EvaluationProblem, LeftOut, LeftOutReason, LeftOutVideo } from './types.js';

/** Of problems and of videos left out, so many are named. */
const MAX_NAMED = 1000;
/** Of queries, so many are told one by one. */
export const MAX_QUERIES_TOLD = 5000;

/** Collects what is wrong with the input, by kind. */
export class Problems {
  readonly #kinds = new Map<string, EvaluationProblem>();

  add(code: string, message: string, item?: string): void {
    const problem = this.#kinds.get(code) ?? { code, message, count: 0, items: [] };
    this.#kinds.set(code, problem);
    problem.count += 1;
    if (item !== undefined && problem.items.length < MAX_NAMED) problem.items.push(item);
  }

  list(): EvaluationProblem[] {
    return [...this.#kinds.values()];
  }
}

export function leftOutOf(videos: readonly LeftOutVideo[]): LeftOut {
  const byReason: Partial<Record<LeftOutReason, number>> = {};
  for (const { reason } of videos) byReason[reason] = (byReason[reason] ?? 0) + 1;
  return { count: videos.length, byReason, videos: videos.slice(0, MAX_NAMED) };
}
