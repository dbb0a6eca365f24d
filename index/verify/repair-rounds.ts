import type { Findings, Problem } from './types.js';

const MAX_ROUNDS = 4;

export interface RepairParts {
  repair(problems: readonly Problem[]): Promise<void>;
  check(): Promise<Findings>;
}

/**
 * Repairs and checks again, in rounds, because some things can only be seen when others have been put right: `problems` are those
 * of all rounds, `last` is what the last check found; null when there was nothing to repair.
 */
export async function repairInRounds(
  first: Findings,
  parts: RepairParts,
): Promise<{ problems: Problem[]; last: Findings | null }> {
  const problems = new Map(first.problems.map((problem) => [keyOf(problem), problem]));
  let last: Findings | null = null;
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const before: Findings = last ?? first;
    const repairable = before.problems.filter(({ repair }) => repair !== null);
    if (repairable.length === 0) break;
    await parts.repair(repairable);
    const found: Findings = await parts.check();
    const tried = new Set(repairable.map(keyOf));
    last = { ...found, problems: found.problems.map((one) => (tried.has(keyOf(one)) ? unhelped(one) : one)) };
    for (const problem of last.problems) {
      if (!problems.has(keyOf(problem))) problems.set(keyOf(problem), problem);
    }
  }
  return { problems: [...problems.values()], last };
}

function keyOf({ code, subject, detail }: Problem): string {
  return JSON.stringify([code, subject, detail]);
}

function unhelped(problem: Problem): Problem {
  const remedy = problem.remedy || 'Restore the data folder from a backup.';
  return { ...problem, repair: null, remedy: `The repair did not help. ${remedy}` };
}
