import type { Preprocessing } from '../encoder/manifest.js';
import { CliptraceError } from '../errors.js';
import { type ChildEnd, FfmpegChild, type FfmpegRun } from './child-process.js';
import type { ClipPool } from './clip-pool.js';
import { ClipWindow } from './clip-window.js';
import { checkContainer } from './container-check.js';
import { clipOutput, firstFrameOutput, type PictureOutput, pictureOutput } from './decode-arguments.js';
import { decodeFailure, tellOfDamage } from './ffmpeg-messages.js';
import { shownName } from './file-name.js';
import { readFrames } from './frame-reader.js';
import { HeaderWatch } from './header-watch.js';
import { inputArguments } from './input-arguments.js';
import { limitsFor } from './limits-of-file.js';
import { splitLevels } from './log-levels.js';
import { refuseEncrypted } from './mp4-encryption.js';
import { tooLong } from './probe.js';
import { shortened, withoutPath } from './stderr-text.js';
import { planRange, type RangePlan, type TimeRange } from './time-range.js';
import type { DecodedClip, DecodeSummary, FfmpegProgram, MediaLimits, VideoProbe } from './types.js';

export interface DecodeRequest {
  ffmpeg: FfmpegProgram;
  filePath: string;
  preprocessing: Preprocessing;
  /** Seconds from the start of one clip to that of the next. */
  hopSeconds: number;
  /** Only this part of the video; the clips' times still count from the start of the file. */
  range?: TimeRange | undefined;
  /** From the probe; without it, the first video stream that is no cover picture. */
  streamIndex?: number | undefined;
  /** Pictures for people, of the whole video. */
  pictures?: PictureOutput | undefined;
  /** What the header says, once ffmpeg has told it: spares a probe. Not called when ffmpeg does not tell. */
  onProbe?: ((probe: VideoProbe) => void) | undefined;
  /** What the clips are made of; who gives clips back to it has them used again. */
  pool?: ClipPool | undefined;
  limits: MediaLimits;
  signal?: AbortSignal | undefined;
}

/**
 * Decodes a video into clips, in order of time (`ClipWindow` tells how they are laid), reading no further than the consumer
 * asks. One ffmpeg process; it is dead and reaped when the generator ends, returns or throws.
 * Every code of `checkContainer`, and NO_VIDEO_STREAM, NO_FRAMES, VIDEO_ENCRYPTED, CODEC_NOT_SUPPORTED, DECODE_FAILED,
 * RESOLUTION_TOO_LARGE, VIDEO_TOO_LONG, RANGE_NOT_IN_VIDEO, DECODE_TIMEOUT, CANCELLED, FFMPEG_NOT_USABLE; with pictures, DISK_FULL.
 */
export async function* decodeClips(asked: DecodeRequest): AsyncGenerator<DecodedClip, DecodeSummary> {
  const { filePath, preprocessing, hopSeconds } = asked;
  const { demuxers, fileBytes } = await checkContainer(filePath);
  const request = { ...asked, limits: limitsFor(asked.limits, fileBytes) };
  await refuseEncrypted(filePath, demuxers);
  const plan = planRange(request.range, { filePath, demuxers }, preprocessing.framesPerSecond);
  const window = new ClipWindow(preprocessing, hopSeconds, plan.firstFrameSeconds, request.pool);

  let end = yield* decodeOnce(request, window, plan, decodeArguments(request, demuxers, plan));
  if (end.frameCount === 0 && plan.seekSeconds === 0 && end.exitCode === 0) {
    // The rate filter drops a video that is shorter than half of its interval. One frame stands for it then.
    end = yield* decodeOnce(request, window, plan, decodeArguments(request, demuxers, null));
  }
  if (window.frameCount === 0) throw noFrames(request, end);
  return yield* lastClip(window, preprocessing, end.exitCode !== 0 || tellOfDamage(end.lines));
}

export async function* lastClip(
  window: ClipWindow,
  { framesPerSecond }: Preprocessing,
  damaged: boolean,
): AsyncGenerator<DecodedClip, DecodeSummary> {
  const last = window.end();
  if (last) yield last;
  const { frameCount } = window;
  return { frameCount, durationSeconds: frameCount / framesPerSecond, damaged };
}

interface DecodeEnd extends ChildEnd {
  /** All that came, also those before the range. */
  frameCount: number;
  /** What ffmpeg said at level error. */
  lines: string[];
}

async function* decodeOnce(
  request: DecodeRequest,
  window: ClipWindow,
  plan: RangePlan,
  args: string[],
): AsyncGenerator<DecodedClip, DecodeEnd> {
  const { preprocessing, filePath } = request;
  const child = new FfmpegChild(runOf(request, args));
  const header = new HeaderWatch(request);
  try {
    const frames = readFrames(child, 0, preprocessing.width * preprocessing.height * 3);
    const frameCount = yield* cutFrames(frames, window, request, plan.skipFrames, () => header.look(child));
    const end = await child.wait();
    header.look(child);
    const { errors } = splitLevels(withoutPath(child.stderr.text(), filePath));
    return { ...end, frameCount, lines: errors.map(shortened) };
  } finally {
    await child.stop();
  }
}

function runOf({ ffmpeg, filePath, limits, signal, pictures }: DecodeRequest, args: string[]): FfmpegRun {
  const { timeoutMs, stallTimeoutMs, cpuSeconds, memoryBytes } = limits;
  const extra = pictures ? [pictures.file] : [];
  return { ffmpeg, args, filePath, timeoutMs, stallTimeoutMs, cpuSeconds, memoryBytes, signal, extra };
}

/** Frames into clips; returns how many frames came. VIDEO_TOO_LONG when there are more than allowed. */
export async function* cutFrames(
  frames: AsyncIterable<Uint8Array>,
  window: ClipWindow,
  { filePath, preprocessing, limits }: Pick<DecodeRequest, 'filePath' | 'preprocessing' | 'limits'>,
  skipFrames = 0,
  onFrame?: () => void,
): AsyncGenerator<DecodedClip, number> {
  const { framesPerSecond } = preprocessing;
  const maxFrames = (limits.maxDurationSeconds ?? Number.POSITIVE_INFINITY) * framesPerSecond;
  let frameCount = 0;
  for await (const frame of frames) {
    frameCount += 1;
    onFrame?.();
    if (frameCount <= skipFrames) continue;
    if (window.frameCount >= maxFrames) {
      const seconds = (window.frameCount + 1) / framesPerSecond;
      throw tooLong(filePath, seconds, limits.maxDurationSeconds ?? seconds);
    }
    const clip = window.push(frame);
    if (clip) yield clip;
  }
  return frameCount;
}

/** Without a plan: the first frame alone. */
function decodeArguments(
  request: DecodeRequest,
  demuxers: readonly string[],
  plan: RangePlan | null,
): string[] {
  const { filePath, limits, preprocessing, streamIndex, pictures } = request;
  const seekSeconds = plan !== null && plan.seekSeconds > 0 ? plan.seekSeconds : undefined;
  const stream = streamIndex === undefined ? '0:V:0' : `0:${streamIndex}`;
  const clips = { preprocessing, stream, descriptor: 1 };
  return [
    ...inputArguments({ filePath, demuxers, limits, logLevel: 'level+info', seekSeconds }),
    ...(plan === null ? firstFrameOutput(clips) : clipOutput({ ...clips, plan })),
    ...(pictures
      ? pictureOutput({ ...clips, ...pictures, descriptor: 3, firstFrameOnly: plan === null })
      : []),
  ];
}

function noFrames({ filePath, range }: DecodeRequest, end: DecodeEnd): CliptraceError {
  const failure = decodeFailure({ filePath, ...end });
  if (range === undefined || (end.frameCount === 0 && failure.code !== 'NO_FRAMES')) return failure;
  return new CliptraceError(
    'RANGE_NOT_IN_VIDEO',
    `${shownName(filePath)} has no frame from ${range.startSeconds ?? 0} s to ${range.endSeconds ?? 'its end'}. ` +
      'Choose a range inside the video.',
    { cause: failure, details: { ...range } },
  );
}
