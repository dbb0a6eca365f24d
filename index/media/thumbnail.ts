import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { explainWriteError } from '../storage-errors.js';
import { type ChildEnd, FfmpegChild } from './child-process.js';
import { checkContainer } from './container-check.js';
import { decodeFailure } from './ffmpeg-messages.js';
import { shownName } from './file-name.js';
import { inputArguments } from './input-arguments.js';
import { refuseEncrypted } from './mp4-encryption.js';
import { probeVideo } from './probe.js';
import { seeksExactly } from './time-range.js';
import type { FfmpegProgram, MediaLimits } from './types.js';

export interface ThumbnailRequest {
  ffmpeg: FfmpegProgram;
  filePath: string;
  /** From the first frame; a time at or after the end gives the last frame. */
  atSeconds: number;
  /** Of the picture that is written; its height follows from the shape in which the video is shown. */
  widthPixels: number;
  /** Appears complete or not at all. */
  outPath: string;
  limits: MediaLimits;
  signal?: AbortSignal | undefined;
}

interface Attempt {
  seekSeconds: number;
  /** Every frame from there on, instead of the first only; the last one counts. */
  toTheEnd: boolean;
}

interface AttemptEnd extends ChildEnd {
  jpeg: Buffer | null;
  lines: string[];
}

/** How far before the wanted time the last frame is looked for, in turn: headers lie about the length, key frames are sparse. */
const LOOK_BACK_SECONDS = [3, 30];
const MAX_DECODED_UP_TO_SECONDS = 120;
/** A larger JPEG of one small frame is none. */
const MAX_JPEG_BYTES = 16 * 1024 * 1024;
const MARKER = 0xff;
const START_OF_IMAGE = 0xd8;
const END_OF_IMAGE = 0xd9;

/** Writes a JPEG of the frame shown at that time. The codes of `decodeClips`, and DISK_FULL or DATA_FOLDER_NOT_WRITABLE. */
export async function writeThumbnail(request: ThumbnailRequest): Promise<void> {
  const { filePath, outPath } = request;
  const { demuxers } = await checkContainer(filePath);
  await refuseEncrypted(filePath, demuxers);
  const atSeconds = Math.max(0, request.atSeconds);
  let end = await runAttempt(request, demuxers, { seekSeconds: atSeconds, toTheEnd: false });
  if (!end.jpeg) {
    // The time is at the end, after it, or in a part that cannot be decoded.
    const { durationSeconds } = await probeVideo(request);
    for (const attempt of attemptsBefore(Math.min(atSeconds, durationSeconds ?? atSeconds))) {
      end = await runAttempt(request, demuxers, attempt);
      if (end.jpeg) break;
    }
  }
  const { jpeg, ...failure } = end;
  if (!jpeg) throw decodeFailure({ filePath, ...failure });
  await writeWhole(outPath, jpeg);
}

function attemptsBefore(atSeconds: number): Attempt[] {
  return [
    ...LOOK_BACK_SECONDS.map((back) => ({ seekSeconds: Math.max(0, atSeconds - back), toTheEnd: true })),
    { seekSeconds: 0, toTheEnd: false },
  ];
}

async function runAttempt(
  { ffmpeg, filePath, widthPixels, limits, signal }: ThumbnailRequest,
  demuxers: readonly string[],
  { seekSeconds, toTheEnd }: Attempt,
): Promise<AttemptEnd> {
  // Where ffmpeg cannot find a time exactly, it decodes up to it; far into a file that would take too long.
  const decodeUpTo = !seeksExactly(demuxers) && seekSeconds <= MAX_DECODED_UP_TO_SECONDS;
  const child = new FfmpegChild({
    ffmpeg,
    filePath,
    timeoutMs: limits.timeoutMs,
    stallTimeoutMs: limits.stallTimeoutMs,
    cpuSeconds: limits.cpuSeconds,
    memoryBytes: limits.memoryBytes,
    signal,
    args: [
      ...inputArguments({
        filePath,
        demuxers,
        limits,
        logLevel: 'error',
        seekSeconds,
        decodeUpTo,
      }),
      ...['-map', '0:V:0', '-an', '-sn', '-dn'],
      ...['-vf', pictureSizeFilter(widthPixels)],
      ...(toTheEnd ? [] : ['-frames:v', '1']),
      ...['-c:v', 'mjpeg', '-q:v', '4', '-pix_fmt', 'yuvj420p', '-f', 'mjpeg', 'pipe:1'],
    ],
  });
  try {
    let bytes: Buffer = Buffer.alloc(0);
    for (let part = await child.read(); part !== null; part = await child.read()) {
      bytes = lastPicture(Buffer.concat([bytes, part]));
      if (bytes.length > MAX_JPEG_BYTES) break;
    }
    const end = await child.wait();
    const whole = bytes.length > 0 && bytes.at(-1) === END_OF_IMAGE;
    return { ...end, jpeg: whole ? bytes : null, lines: child.stderr.lines(filePath) };
  } finally {
    await child.stop();
  }
}

/** A small picture of a frame, in the shape in which the video is shown. */
export function pictureSizeFilter(widthPixels: number, flags: 'area' | 'bicubic' = 'bicubic'): string {
  // Height from the displayed shape: `dar` holds what non-square pixels add. At most four times the width.
  const height = `max(2\\,min(trunc(${widthPixels}/dar/2)*2\\,${widthPixels * 4}))`;
  return `scale=${widthPixels}:${height}:flags=${flags},setsar=1`;
}

/** From the beginning of the last JPEG in the bytes. ffmpeg's JPEGs hold no smaller ones, and no marker in their data. */
function lastPicture(bytes: Buffer): Buffer {
  for (let at = bytes.length - 2; at > 0; at -= 1) {
    if (bytes[at] === MARKER && bytes[at + 1] === START_OF_IMAGE) return bytes.subarray(at);
  }
  return bytes;
}

/** Appears complete or not at all. DISK_FULL, DATA_FOLDER_NOT_WRITABLE. */
async function writeWhole(outPath: string, bytes: Buffer): Promise<void> {
  const temporary = `${outPath}.${randomBytes(6).toString('hex')}.part`;
  try {
    await mkdir(dirname(outPath), { recursive: true });
    await writeFile(temporary, bytes, { flag: 'wx' });
    await rename(temporary, outPath);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw explainWriteError(cause, `The picture ${shownName(outPath)}`);
  }
}
