import { writeFilteredCopy } from '../../media/filtered-copy.js';
import type { FfmpegProgram, MediaLimits } from '../../media/types.js';
import type { EditPlan } from './types.js';

/** Writes the edited clip. Its extension names the container; an existing file is replaced. The codes of `decodeClips`. */
export async function makeEdit(input: {
  ffmpeg: FfmpegProgram;
  filePath: string;
  plan: EditPlan;
  outPath: string;
  limits: MediaLimits;
  signal?: AbortSignal | undefined;
}): Promise<void> {
  const { plan, ...rest } = input;
  await writeFilteredCopy({
    ...rest,
    startSeconds: plan.part.startSeconds,
    durationSeconds: plan.part.endSeconds - plan.part.startSeconds,
    filterGraph: plan.filterGraph,
    codecArguments: ['-c:v', 'mpeg4', '-q:v', String(plan.quantiser)],
  });
}
