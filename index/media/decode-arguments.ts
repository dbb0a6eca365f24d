import type { Preprocessing } from '../encoder/manifest.js';
import { pictureSizeFilter } from './thumbnail.js';
import type { RangePlan } from './time-range.js';

/** Small pictures for people out of the same pass as the clips: the first frame, and one in the middle of every two seconds or nearly so. */
export interface PictureOutput {
  /** An open file, to which JPEGs are written one behind the other. */
  file: number;
  widthPixels: number;
}

const PICTURE_INTERVAL_SECONDS = 2;

/** Frames at the encoder's rate from one picture to the next. */
export function framesPerPicture({ framesPerSecond }: Preprocessing): number {
  return Math.max(1, Math.round(PICTURE_INTERVAL_SECONDS * framesPerSecond));
}

export interface ClipOutputOptions {
  preprocessing: Preprocessing;
  /** Which stream of which input, e.g. `0:V:0`: the first video stream that is no cover picture. */
  stream: string;
  descriptor: number;
  plan?: RangePlan | undefined;
}

/** The frames of the clips as RGB bytes. */
export function clipOutput({ preprocessing, stream, descriptor, plan }: ClipOutputOptions): string[] {
  const filters = [`fps=${preprocessing.framesPerSecond}`, ...clipFilters(preprocessing)];
  const limit = plan?.frameLimit ?? null;
  return [
    ...onlyStream(stream),
    ...['-vf', filters.join(',')],
    ...(limit === null ? [] : ['-frames:v', String(limit)]),
    ...rawOutput(descriptor),
  ];
}

/** The first frame alone, whatever its time. */
export function firstFrameOutput({ preprocessing, stream, descriptor }: ClipOutputOptions): string[] {
  const filters = clipFilters(preprocessing).join(',');
  return [...onlyStream(stream), '-vf', filters, '-frames:v', '1', ...rawOutput(descriptor)];
}

export function pictureOutput(options: {
  preprocessing: Preprocessing;
  stream: string;
  descriptor: number;
  widthPixels: number;
  /** Instead of one for each interval. */
  firstFrameOnly: boolean;
}): string[] {
  const { preprocessing, stream, descriptor, widthPixels, firstFrameOnly } = options;
  const filters = [
    ...(firstFrameOnly ? [] : selectPictures(preprocessing)),
    pictureSizeFilter(widthPixels, 'area'),
  ];
  return [
    ...onlyStream(stream),
    ...['-vf', filters.join(','), ...(firstFrameOnly ? ['-frames:v', '1'] : [])],
    ...[
      '-c:v',
      'mjpeg',
      // Tables for each picture would take a second pass for a few per cent of its bytes.
      ...['-huffman', 'default'],
      '-q:v',
      '5',
      '-pix_fmt',
      'yuvj420p',
      ...ONE_THREAD,
      '-f',
      'mjpeg',
      `pipe:${descriptor}`,
    ],
  ];
}

/**
 * ffmpeg builds its filters anew whenever the size or the format of the frames changes, and then counts from 0 again: so frames are
 * chosen and numbered by their time. Its rate control, which alone goes on counting, repeats a picture where a number is left out.
 */
function selectPictures(preprocessing: Preprocessing): string[] {
  const { framesPerSecond } = preprocessing;
  const every = framesPerPicture(preprocessing);
  const middle = Math.floor(every / 2);
  const frame = (time: string) => `round(${time}*${framesPerSecond})`;
  const latest = `floor((${frame('T')}+${every - middle})/${every})`;
  return [
    `fps=${framesPerSecond}`,
    `select=not(n)+eq(mod(${frame('t')}\\,${every})\\,${middle})`,
    // Numbers with fractions: a third more than whole, so that the picture before is repeated, not the one behind.
    'settb=AVTB',
    // The first frame after a change would be one too many: rate control drops what is more than one behind. Of a video that begins
    // late it is the first of all, and repeated as often as it has to be.
    `setpts=(${latest}-2*not(N)+0.3)/${framesPerSecond}/TB`,
  ];
}

function onlyStream(stream: string): string[] {
  return ['-map', stream, '-an', '-sn', '-dn'];
}

/** Threads of an encoder that has next to nothing to do cost more than they give. */
const ONE_THREAD = ['-threads', '1'] as const;

/** In writes of 32 KiB, not one for each frame: each wakes the reader. */
const NO_FLUSH = ['-flush_packets', '0'] as const;

function rawOutput(descriptor: number): string[] {
  return ['-pix_fmt', 'rgb24', ...ONE_THREAD, ...NO_FLUSH, '-f', 'rawvideo', `pipe:${descriptor}`];
}

/** From a frame of the video to one of the encoder's size; the trainer prepares its data with the same filters. */
function clipFilters({ crop, width, height, scaleFilter }: Preprocessing): string[] {
  const filters = [`scale=${width}:${height}:flags=${scaleFilter}`, 'format=rgb24'];
  if (crop.mode === 'stretch') return filters;
  const side = `min(iw\\,ih)*${crop.fraction}`;
  return [`crop=${side}:${side}`, ...filters];
}
