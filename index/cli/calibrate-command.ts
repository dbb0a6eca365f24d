import { USUAL_QUERY_COUNT } from '../search/calibration/calibrate-collection.js';
import type { Calibration } from '../search/calibration/types.js';
import { type CommandContext, type CommonFlags, parseNumber, withCliptrace } from './context.js';
import { EXIT_DONE } from './exit-codes.js';
import { formatTable, printable, printJson } from './output.js';
import { runJob } from './run-job.js';

export interface CalibrateFlags extends CommonFlags {
  collection: string;
  maxQueries?: string;
  seed?: string;
}

type CalibrationResult = Calibration & { skipped: { videoId: number; code: string; message: string }[] };

/** `cliptrace calibrate` */
export async function calibrateCommand(flags: CalibrateFlags, context: CommandContext): Promise<number> {
  const queryCount =
    parseNumber(flags.maxQueries, '--max-queries', { min: 10, max: 10_000, integer: true }) ??
    USUAL_QUERY_COUNT;
  const seed = parseNumber(flags.seed, '--seed', { min: 0, max: 2 ** 31, integer: true }) ?? 1;
  const { terminal } = context;
  const calibration = await withCliptrace(context, flags, 'write', async (cliptrace) => {
    const request = { type: 'calibrate', collection: flags.collection, queryCount, seed } as const;
    const { job } = await runJob(cliptrace, await cliptrace.jobs.submit(request), terminal);
    return (await cliptrace.library.getJobResult(job.id)) as CalibrationResult;
  });
  if (flags.json) {
    printJson(terminal, calibration);
    return EXIT_DONE;
  }
  terminal.out(
    `${calibration.queryCount} edited queries from ${calibration.videoCount} videos: ` +
      `"same footage" from a score of ${calibration.sameFootageScore.toFixed(3)} on\n`,
  );
  terminal.out(
    formatTable(
      ['Score', 'Hits', 'Promised', 'True'],
      calibration.reliability
        .filter(({ count }) => count > 0)
        .map(({ from, to, count, meanScore, sameFootageShare }) => [
          `${from.toFixed(1)}-${to.toFixed(1)}`,
          count,
          (meanScore ?? 0).toFixed(2),
          (sameFootageShare ?? 0).toFixed(2),
        ]),
    ),
  );
  for (const { videoId, code, message } of calibration.skipped) {
    terminal.err(`Left out: video ${videoId}: ${code}: ${printable(message)}`);
  }
  return EXIT_DONE;
}
