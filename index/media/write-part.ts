import { FfmpegChild } from './child-process.js';
import { forWriting, NO_CONFINEMENT } from './confinement.js';
import { checkContainer } from './container-check.js';
import { decodeFailure } from './ffmpeg-messages.js';
import { fileArgument } from './file-name.js';
import { inputArguments } from './input-arguments.js';
import { seeksExactly } from './time-range.js';
import type { FfmpegProgram, MediaLimits } from './types.js';

export interface PartRequest {
  ffmpeg: FfmpegProgram;
  filePath: string;
  startSeconds: number;
  /** Its extension names the container. An existing file is replaced. */
  outPath: string;
  limits: MediaLimits;
  signal?: AbortSignal | undefined;
}

const QUIET_MS = 10 * 60_000;

/** Writes what ffmpeg makes, by `outputArguments`, of a video from `startSeconds` on. The codes of `decodeClips`. */
export async function writePart(request: PartRequest, outputArguments: readonly string[]): Promise<void> {
  const { ffmpeg, filePath, startSeconds, outPath, limits, signal } = request;
  const { demuxers } = await checkContainer(filePath);
  const child = new FfmpegChild({
    ffmpeg: { path: ffmpeg.path, confinement: forWriting(ffmpeg.confinement ?? NO_CONFINEMENT) },
    filePath,
    writesFile: true,
    cpuSeconds: limits.cpuSeconds,
    memoryBytes: limits.memoryBytes,
    timeoutMs: limits.timeoutMs,
    // It writes a file and nothing to its stdout: quiet is no sign of a stall.
    stallTimeoutMs: limits.timeoutMs ?? QUIET_MS,
    signal,
    args: [
      ...inputArguments({
        filePath,
        demuxers,
        limits,
        logLevel: 'error',
        seekSeconds: startSeconds,
        decodeUpTo: !seeksExactly(demuxers),
      }),
      ...outputArguments,
      ...['-pix_fmt', 'yuv420p', '-y', fileArgument(outPath)],
    ],
  });
  try {
    while ((await child.read()) !== null);
    const end = await child.wait();
    const lines = child.stderr.lines(filePath);
    if (end.exitCode !== 0) throw decodeFailure({ filePath, lines, ...end });
  } finally {
    await child.stop();
  }
}
