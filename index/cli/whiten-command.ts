import { fitModelWhitening } from '../encoder/fit-model-whitening.js';
import { manifestPathOf } from '../encoder/model-store.js';
import { allVideos } from '../library/all-videos.js';
import type { Library } from '../library/types.js';
import { type CommandContext, type CommonFlags, settingsOf, withCliptrace } from './context.js';
import { EXIT_DONE } from './exit-codes.js';
import { printJson } from './output.js';

/** Bounds memory (4 kB a clip of the shipped encoder) and time (a second for a thousand clips); more changed nothing. */
const MOST_CLIPS = 10_000;

/** `cliptrace whiten` */
export async function whitenCommand(flags: CommonFlags, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const clips = await withCliptrace(context, flags, 'read', ({ library, encoder }) =>
    clipsOf(library, encoder.manifest.id),
  );
  const { modelFolder } = settingsOf(context, flags);
  const made = await fitModelWhitening(manifestPathOf(modelFolder), clips, {});
  if (flags.json) printJson(terminal, made);
  else {
    terminal.out(
      `Fitted on ${made.clipCount} clips: the model is now ${made.modelId}. Index the videos again with it.`,
    );
  }
  return EXIT_DONE;
}

/** Timestep features of the library's clips; when there are too many, of evenly spread ones. */
async function clipsOf(library: Library, modelId: string): Promise<Float32Array[]> {
  const videos = await allVideos(library);
  const total = videos.reduce((sum, { segmentCount }) => sum + segmentCount, 0);
  const step = Math.max(1, Math.ceil(total / MOST_CLIPS));
  const clips: Float32Array[] = [];
  let seen = 0;
  for (const { id, durationSeconds } of videos) {
    const whole = { startSeconds: 0, endSeconds: durationSeconds + 1 };
    for (const { timesteps } of await library.segmentsOf(id, modelId, whole)) {
      if (seen % step === 0) clips.push(timesteps.slice());
      seen += 1;
    }
  }
  return clips;
}
