import { CliptraceError } from '../errors.js';
import { FfmpegChild } from './child-process.js';
import { checkContainer } from './container-check.js';
import { shownName } from './file-name.js';
import { inputArguments } from './input-arguments.js';
import { type PartRequest, writePart } from './write-part.js';

export interface CutRequest extends PartRequest {
  durationSeconds: number;
  /** Share of width and of height that is kept, from the centre; 1 = all. */
  cropFraction: number;
  /** Lines of the copy; as they are unless told. */
  scaleHeight?: number | undefined;
  framesPerSecond?: number | undefined;
  /** `mpeg4` is in every build of ffmpeg, `libx264` is not. */
  codec: 'mpeg4' | 'libx264';
  /** Added to the luminance: -1 is black, 0 nothing, 1 white. */
  brightness?: number | undefined;
}

/**
 * Writes an edited part of a video without sound, as people do before they ask where it comes from.
 * RANGE_NOT_IN_VIDEO when there is no frame in that part, and the codes of `decodeClips`.
 */
export async function cutClip(request: CutRequest): Promise<void> {
  await writePart(request, [
    ...[
      '-t',
      request.durationSeconds.toFixed(6),
      '-map',
      '0:V:0',
      '-an',
      '-sn',
      '-dn',
      '-map_metadata',
      '-1',
    ],
    ...['-vf', pictureFilters(request).join(','), ...codecArguments(request.codec)],
  ]);
  await refuseEmpty(request);
}

function pictureFilters({ cropFraction, scaleHeight, framesPerSecond, brightness }: CutRequest): string[] {
  const filters: string[] = [];
  if (framesPerSecond !== undefined) filters.push(`fps=${framesPerSecond}`);
  if (cropFraction < 1) filters.push(`crop=trunc(iw*${cropFraction}/2)*2:trunc(ih*${cropFraction}/2)*2`);
  // Even sizes: yuv420p has one colour for two by two pixels.
  const height =
    scaleHeight === undefined ? 'trunc(ih/2)*2' : String(Math.max(2, Math.floor(scaleHeight / 2) * 2));
  filters.push(`scale=trunc(${height}*dar/2+0.5)*2:${height}`, 'setsar=1', 'format=yuv420p');
  // lutyuv rather than eq, which builds without GPL parts do not have.
  if (brightness) filters.push(`lutyuv=y=clip(val+${Math.round(brightness * 255)}\\,0\\,255)`);
  return filters;
}

function codecArguments(codec: CutRequest['codec']): string[] {
  return codec === 'mpeg4'
    ? ['-c:v', 'mpeg4', '-q:v', '5']
    : ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '28'];
}

/** ffmpeg writes a container without frames, and calls it a success. */
async function refuseEmpty({
  ffmpeg,
  filePath,
  outPath,
  startSeconds,
  durationSeconds,
  limits,
}: CutRequest): Promise<void> {
  const { demuxers } = await checkContainer(outPath);
  const child = new FfmpegChild({
    ffmpeg,
    filePath: outPath,
    timeoutMs: limits.timeoutMs,
    stallTimeoutMs: limits.stallTimeoutMs,
    args: [
      ...inputArguments({ filePath: outPath, demuxers, limits, logLevel: 'error' }),
      ...[
        '-map',
        '0:V:0',
        '-frames:v',
        '1',
        '-vf',
        'scale=2:2',
        '-f',
        'rawvideo',
        '-pix_fmt',
        'gray',
        'pipe:1',
      ],
    ],
  });
  try {
    if ((await child.read()) !== null) return;
  } finally {
    await child.stop();
  }
  throw new CliptraceError(
    'RANGE_NOT_IN_VIDEO',
    `${shownName(filePath)} has no frame from ${startSeconds} s to ${startSeconds + durationSeconds} s. Choose a range inside the video.`,
    { details: { startSeconds, durationSeconds } },
  );
}
