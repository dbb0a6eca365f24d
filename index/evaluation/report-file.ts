import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { CliptraceError, errorMessageOf } from '../errors.js';
import type { EvaluationReport } from './types.js';

/** As much of a report as a comparison reads. */
const query = z.object({
  line: z.int().optional(),
  query: z.string().optional(),
  contentHash: z.string().optional(),
});
const comparable = z.object({
  report: z.object({
    formatVersion: z.literal(1),
    protocol: z.enum(['labels', 'edits', 'pairs']),
    model: z.object({ id: z.string() }),
    settings: z.object({ k: z.array(z.int().min(1)) }),
    queries: z.array(query),
  }),
});

/** The report of a file that `cliptrace evaluate --json` wrote. USAGE when it is none. */
export async function readReportFile(file: string): Promise<EvaluationReport> {
  try {
    const json: unknown = JSON.parse(await readFile(file, 'utf8'));
    comparable.parse(json);
    return (json as { report: EvaluationReport }).report;
  } catch (error) {
    const why = error instanceof z.ZodError ? 'something else is in it' : errorMessageOf(error);
    throw new CliptraceError('USAGE', `${file} is no finished evaluation of "evaluate --json": ${why}`, {
      cause: error,
    });
  }
}
