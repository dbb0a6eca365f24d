import type { Span } from '../span.js';
import { type BootstrapOptions, bootstrapMeans, quantile } from './bootstrap.js';
import type { Estimate, TimeFigures } from './types.js';

/** The larger of the errors of start and end. */
export function rangeError(found: Span, expected: Span): number {
  return Math.max(
    Math.abs(found.startSeconds - expected.startSeconds),
    Math.abs(found.endSeconds - expected.endSeconds),
  );
}

const TOLERANCES_SECONDS = [0.5, 1];

export async function timeFiguresOf(
  errorsSeconds: readonly number[],
  options: BootstrapOptions & { groups?: readonly string[] | undefined },
): Promise<TimeFigures> {
  const sorted = [...errorsSeconds].sort((a, b) => a - b);
  const shares = await bootstrapMeans(
    TOLERANCES_SECONDS.map((seconds) => errorsSeconds.map((error) => (error <= seconds ? 1 : 0))),
    options,
  );
  return {
    count: sorted.length,
    medianSeconds: sorted.length === 0 ? null : quantile(sorted, 0.5),
    p90Seconds: sorted.length === 0 ? null : quantile(sorted, 0.9),
    within: TOLERANCES_SECONDS.map((seconds, i) => ({ seconds, ...(shares[i] as Estimate) })),
  };
}
