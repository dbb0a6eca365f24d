import { FfmpegChild } from './child-process.js';
import { checkContainer } from './container-check.js';
import { decodeFailure } from './ffmpeg-messages.js';
import { fileArgument } from './file-name.js';
import { inputArguments } from './input-arguments.js';
import { seeksExactly } from './time-range.js';
import type { FfmpegProgram, MediaLimits } from './types.js';

export interface FilteredCopyRequest {
  ffmpeg: FfmpegProgram;
  filePath: string;
  startSeconds: number;
  durationSeconds: number;
  /** An ffmpeg filter graph of our own making, from the label `[in]` to the label `[out]`. */
  filterGraph: string;
  /** `mpeg4` is in every build of ffmpeg, `libx264` is not. */
  codecArguments: readonly string[];
  /** Its extension names the container. An existing file is replaced. */
  outPath: string;
  limits: MediaLimits;
  signal?: AbortSignal | undefined;
}

const QUIET_MS = 10 * 60_000;

/** Writes a part of a video, without sound, through a filter graph. The codes of `decodeClips`. */
export async function writeFilteredCopy(request: FilteredCopyRequest): Promise<void> {
  const { ffmpeg, filePath, startSeconds, durationSeconds, limits, signal } = request;
  const { demuxers } = await checkContainer(filePath);
  const child = new FfmpegChild({
    // Not confined: it writes a file. What it reads is in the library and was decoded under confinement before.
    ffmpeg: { path: ffmpeg.path },
    filePath,
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
      ...['-filter_complex', partGraph(durationSeconds, request.filterGraph), '-map', '[out]'],
      ...['-an', '-sn', '-dn', '-map_metadata', '-1'],
      ...[...request.codecArguments, '-pix_fmt', 'yuv420p', '-y', fileArgument(request.outPath)],
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

/** Cut inside of the graph: as an output option, `-t` would count what the graph puts before or stretches. */
function partGraph(durationSeconds: number, filterGraph: string): string {
  return `[0:V:0]trim=duration=${durationSeconds.toFixed(6)},setpts=PTS-STARTPTS[in];${filterGraph}`;
}
