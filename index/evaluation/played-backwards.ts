import { type BootstrapOptions, bootstrapMeans } from './bootstrap.js';
import type { EditQuery } from './edit-queries.js';
import { partOf } from './edits/part-of.js';
import { planEdit } from './edits/plan-edit.js';
import { seeded } from './seeded-random.js';
import type { BackwardsFigures, EditOutcome, Estimate } from './types.js';

/** Each part that is a query as it is, played backwards. */
export function backwardsQueries(queries: readonly EditQuery[]): EditQuery[] {
  return queries
    .filter(({ plan }) => plan.edits.join() === 'trim')
    .map(({ video, plan }) => ({
      video,
      // Nothing is drawn at random for it.
      plan: planEdit({ edits: ['reverse'], part: plan.part, picture: video, random: seeded(0) }),
    }));
}

/** Compares the scores of the source. Null when there is nothing to compare. */
export async function backwardsFigures(
  forward: readonly EditOutcome[],
  backward: readonly EditOutcome[],
  options: BootstrapOptions,
): Promise<BackwardsFigures | null> {
  const scores = new Map(backward.map((outcome) => [partOf(outcome), outcome.score ?? 0]));
  const gaps = forward
    .filter(({ edits }) => edits.join() === 'trim')
    .flatMap((outcome) => {
      const score = scores.get(partOf(outcome));
      return outcome.score === null || score === undefined ? [] : [outcome.score - score];
    });
  if (gaps.length === 0) return null;
  const [lower, gap] = await bootstrapMeans([gaps.map((value) => (value > 0 ? 1 : 0)), gaps], options);
  return { partCount: gaps.length, lower: lower as Estimate, gap: gap as Estimate };
}
