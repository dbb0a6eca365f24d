import { CliptraceError } from '../errors.js';
import { type ChildEnd, FfmpegChild } from './child-process.js';
import { checkContainer } from './container-check.js';
import { decodeFailure } from './ffmpeg-messages.js';
import { shownName } from './file-name.js';
import { inputArguments } from './input-arguments.js';
import { limitsFor } from './limits-of-file.js';
import { refuseEncrypted } from './mp4-encryption.js';
import { type ProbeText, readProbeText, type VideoStreamText } from './probe-text.js';
import { type StderrText, withoutPath } from './stderr-text.js';
import type { FfmpegProgram, MediaLimits, VideoProbe } from './types.js';

export interface ProbeRequest {
  ffmpeg: FfmpegProgram;
  filePath: string;
  limits: MediaLimits;
  signal?: AbortSignal | undefined;
}

/**
 * Reads the header of a video through ffmpeg; nothing is decoded beyond what ffmpeg needs to know the streams.
 * Every code of `checkContainer`, and NO_VIDEO_STREAM, VIDEO_ENCRYPTED, CODEC_NOT_SUPPORTED, NO_FRAMES, DECODE_FAILED,
 * RESOLUTION_TOO_LARGE, VIDEO_TOO_LONG, DECODE_TIMEOUT, CANCELLED, FFMPEG_NOT_USABLE.
 */
export async function probeVideo(request: ProbeRequest): Promise<VideoProbe> {
  const { filePath } = request;
  const { demuxers, fileBytes } = await checkContainer(filePath);
  const limits = limitsFor(request.limits, fileBytes);
  const { stderr, end } = await runProbe(request, demuxers);
  const lines = stderr.lines(filePath);
  const failure = (): CliptraceError => decodeFailure({ filePath, lines, ...end });

  const text = readProbeText(withoutPath(stderr.text(), filePath));
  if (text === null) throw failure();
  if (text.video === null) throw noVideoStream(filePath);
  await refuseEncrypted(filePath, demuxers);
  if (text.video.codec === 'none') throw codecNotSupported(filePath);
  if (lines.some((line) => line.includes('exceeds specified max pixel count'))) throw failure();
  const probe = probeOfHeader(text, filePath, limits);
  if (probe === null) throw failure();
  return probe;
}

/** Null where the header does not tell the size. RESOLUTION_TOO_LARGE, VIDEO_TOO_LONG. */
export function probeOfHeader(text: ProbeText, filePath: string, limits: MediaLimits): VideoProbe | null {
  if (text.video === null) return null;
  const { width, height } = text.video;
  if (width === null || height === null || width === 0 || height === 0) return null;
  if (width * height > limits.maxPixels) throw tooLarge(filePath, width, height, limits.maxPixels);
  checkDuration(filePath, text.durationSeconds, limits.maxDurationSeconds);
  return toProbe(text, text.video, width, height);
}

async function runProbe(
  { ffmpeg, filePath, limits, signal }: ProbeRequest,
  demuxers: readonly string[],
): Promise<{ stderr: StderrText; end: ChildEnd }> {
  const child = new FfmpegChild({
    ffmpeg,
    args: [
      ...inputArguments({ filePath, demuxers, limits, logLevel: 'info' }),
      // Copies one packet to nowhere: ffmpeg then says which stream it takes.
      ...['-map', '0:V:0', '-c', 'copy', '-frames:v', '1', '-f', 'null', '-'],
    ],
    filePath,
    timeoutMs: Math.min(limits.timeoutMs ?? Number.POSITIVE_INFINITY, limits.stallTimeoutMs),
    stallTimeoutMs: limits.stallTimeoutMs,
    cpuSeconds: limits.cpuSeconds,
    memoryBytes: limits.memoryBytes,
    signal,
  });
  try {
    while ((await child.read()) !== null);
    return { end: await child.wait(), stderr: child.stderr };
  } finally {
    await child.stop();
  }
}

function toProbe(text: ProbeText, video: VideoStreamText, width: number, height: number): VideoProbe {
  const onItsSide = video.rotationDegrees === 90 || video.rotationDegrees === 270;
  return {
    container: text.container,
    durationSeconds: text.durationSeconds,
    codec: video.codec,
    width: onItsSide ? height : width,
    height: onItsSide ? width : height,
    framesPerSecond: video.framesPerSecond,
    rotationDegrees: video.rotationDegrees,
    hasAudio: text.hasAudio,
    streamIndex: video.index,
  };
}

function checkDuration(
  filePath: string,
  durationSeconds: number | null,
  maxDurationSeconds: number | null,
): void {
  if (durationSeconds !== null && maxDurationSeconds !== null && durationSeconds > maxDurationSeconds) {
    throw tooLong(filePath, durationSeconds, maxDurationSeconds);
  }
}

export function tooLong(
  filePath: string,
  durationSeconds: number,
  maxDurationSeconds: number,
): CliptraceError {
  return new CliptraceError(
    'VIDEO_TOO_LONG',
    `${shownName(filePath)} lasts ${durationSeconds.toFixed(1)} s or more, the limit is ${maxDurationSeconds} s. ` +
      'Cut it, or raise the limit.',
    { details: { durationSeconds, maxDurationSeconds } },
  );
}

function tooLarge(filePath: string, width: number, height: number, maxPixels: number): CliptraceError {
  return new CliptraceError(
    'RESOLUTION_TOO_LARGE',
    `${shownName(filePath)} has frames of ${width}x${height}, the limit is ${maxPixels} pixels. Scale it down first, or raise the limit.`,
    { details: { width, height, maxPixels } },
  );
}

function noVideoStream(filePath: string): CliptraceError {
  return new CliptraceError(
    'NO_VIDEO_STREAM',
    `${shownName(filePath)} has no video stream. Use a file that has a picture.`,
  );
}

function codecNotSupported(filePath: string): CliptraceError {
  return new CliptraceError(
    'CODEC_NOT_SUPPORTED',
    `${shownName(filePath)} uses a video codec that this ffmpeg does not know. Install a newer ffmpeg, or convert the file to H.264.`,
  );
}
