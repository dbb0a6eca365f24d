import type { Preprocessing } from '../encoder/manifest.js';
import { CliptraceError } from '../errors.js';
import type { FfmpegRun } from './child-process.js';
import { ClipWindow } from './clip-window.js';
import { checkContainer } from './container-check.js';
import { decodeFailure, tellOfDamage } from './ffmpeg-messages.js';
import { shownName } from './file-name.js';
import { type FramesEnd, readFrames } from './frame-reader.js';
import { inputArguments } from './input-arguments.js';
import { refuseEncrypted } from './mp4-encryption.js';
import { tooLong } from './probe.js';
import { planRange, type RangePlan, type TimeRange } from './time-range.js';
import type { DecodedClip, DecodeSummary, FfmpegProgram, MediaLimits } from './types.js';

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
  limits: MediaLimits;
  signal?: AbortSignal | undefined;
}

/**
 * Decodes a video into clips, in order of time (`ClipWindow` tells how they are laid), reading no further than the consumer
 * asks. One ffmpeg process; it is dead and reaped when the generator ends, returns or throws.
 * Every code of `checkContainer`, and NO_VIDEO_STREAM, NO_FRAMES, VIDEO_ENCRYPTED, CODEC_NOT_SUPPORTED, DECODE_FAILED,
 * RESOLUTION_TOO_LARGE, VIDEO_TOO_LONG, RANGE_NOT_IN_VIDEO, DECODE_TIMEOUT, CANCELLED, FFMPEG_NOT_USABLE.
 */
export async function* decodeClips(request: DecodeRequest): AsyncGenerator<DecodedClip, DecodeSummary> {
  const { filePath, preprocessing, hopSeconds, limits } = request;
  const { framesPerSecond } = preprocessing;
  const { demuxers } = await checkContainer(filePath);
  await refuseEncrypted(filePath, demuxers);
  const plan = planRange(request.range, { filePath, demuxers }, framesPerSecond);
  const window = new ClipWindow(preprocessing, hopSeconds, plan.firstFrameSeconds);
  const maxFrames = (limits.maxDurationSeconds ?? Number.POSITIVE_INFINITY) * framesPerSecond;

  let end = yield* decodeInto(request, window, plan, decodeArguments(request, demuxers, plan), maxFrames);
  if (end.frameCount === 0 && plan.seekSeconds === 0 && end.exitCode === 0) {
    // The rate filter drops a video that is shorter than half of its interval. One frame stands for it then.
    end = yield* decodeInto(request, window, plan, firstFrameArguments(request, demuxers), maxFrames);
  }
  if (window.frameCount === 0) throw noFrames(request, end);
  const last = window.end();
  if (last) yield last;
  return {
    frameCount: window.frameCount,
    durationSeconds: window.frameCount / framesPerSecond,
    damaged: end.exitCode !== 0 || tellOfDamage(end.lines),
  };
}

interface DecodeEnd extends FramesEnd {
  /** All that came, also those before the range. */
  frameCount: number;
}

async function* decodeInto(
  request: DecodeRequest,
  window: ClipWindow,
  plan: RangePlan,
  args: string[],
  maxFrames: number,
): AsyncGenerator<DecodedClip, DecodeEnd> {
  const { preprocessing, filePath, limits } = request;
  const frames = readFrames(runOf(request, args), preprocessing.width * preprocessing.height * 3);
  try {
    for (let frameCount = 0; ; frameCount += 1) {
      const next = await frames.next();
      if (next.done) return { ...next.value, frameCount };
      if (frameCount < plan.skipFrames) continue;
      if (window.frameCount >= maxFrames) {
        const seconds = (window.frameCount + 1) / preprocessing.framesPerSecond;
        throw tooLong(filePath, seconds, limits.maxDurationSeconds ?? seconds);
      }
      const clip = window.push(next.value);
      if (clip) yield clip;
    }
  } finally {
    await frames.return({ exitCode: null, exitSignal: null, lines: [] });
  }
}

function runOf({ ffmpeg, filePath, limits, signal }: DecodeRequest, args: string[]): FfmpegRun {
  const { timeoutMs, stallTimeoutMs, cpuSeconds, memoryBytes } = limits;
  return { ffmpeg, args, filePath, timeoutMs, stallTimeoutMs, cpuSeconds, memoryBytes, signal };
}

function decodeArguments(request: DecodeRequest, demuxers: readonly string[], plan: RangePlan): string[] {
  const { filePath, limits, preprocessing } = request;
  const seekSeconds = plan.seekSeconds > 0 ? plan.seekSeconds : undefined;
  return [
    ...inputArguments({ filePath, demuxers, limits, logLevel: 'error', seekSeconds }),
    ...streamArguments(request),
    '-vf',
    [`fps=${preprocessing.framesPerSecond}`, ...pictureFilters(preprocessing)].join(','),
    ...(plan.frameLimit === null ? [] : ['-frames:v', String(plan.frameLimit)]),
    ...RAW_OUTPUT,
  ];
}

function firstFrameArguments(request: DecodeRequest, demuxers: readonly string[]): string[] {
  const { filePath, limits, preprocessing } = request;
  return [
    ...inputArguments({ filePath, demuxers, limits, logLevel: 'error' }),
    ...streamArguments(request),
    '-vf',
    pictureFilters(preprocessing).join(','),
    '-frames:v',
    '1',
    ...RAW_OUTPUT,
  ];
}

const RAW_OUTPUT = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'] as const;

function streamArguments({ streamIndex }: DecodeRequest): string[] {
  return ['-map', streamIndex === undefined ? '0:V:0' : `0:${streamIndex}`, '-an', '-sn', '-dn'];
}

/** From a frame of the video to one of the encoder's size; the trainer prepares its data with the same filters. */
function pictureFilters({ crop, width, height, scaleFilter }: Preprocessing): string[] {
  const filters = [`scale=${width}:${height}:flags=${scaleFilter}`, 'format=rgb24'];
  if (crop.mode === 'stretch') return filters;
  const side = `min(iw\\,ih)*${crop.fraction}`;
  return [`crop=${side}:${side}`, ...filters];
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
