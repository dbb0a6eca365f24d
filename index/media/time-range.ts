import { CliptraceError } from '../errors.js';
import { shownName } from './file-name.js';

/** A part of a video in seconds, half-open; open where a bound is missing. */
export interface TimeRange {
  startSeconds?: number | undefined;
  endSeconds?: number | undefined;
}

export interface RangePlan {
  /** Where ffmpeg begins to decode. */
  seekSeconds: number;
  /** Frames at the encoder's rate that come before the range. */
  skipFrames: number;
  /** Frames to decode, the skipped ones included; null = to the end. */
  frameLimit: number | null;
  /** The time of the first frame that is kept. */
  firstFrameSeconds: number;
}

/**
 * Containers with a table of their frames, in which ffmpeg finds a time exactly. In a transport stream it guesses from the
 * bit rate and takes the jump for a new beginning (6.75 s too late when tried); a bare stream has no times at all. The table of an AVI
 * knows nothing of frames that are shown later than they are decoded, nor of pictures that stay (0.14 s and 18 s off when tried).
 */
const INDEXED_DEMUXERS = new Set(['mov', 'matroska']);

export function seeksExactly(demuxers: readonly string[]): boolean {
  return demuxers.every((demuxer) => INDEXED_DEMUXERS.has(demuxer));
}

/** ffmpeg seeks this much too early, and what is too much is dropped: a table can be coarse, or wrong by a key frame. */
const SEEK_MARGIN_SECONDS = 15;

/** How to decode a range. The frames are those that a decode of the whole file gives, where it has a constant rate. */
export function planRange(
  range: TimeRange | undefined,
  file: { filePath: string; demuxers: readonly string[] },
  framesPerSecond: number,
): RangePlan {
  const startSeconds = range?.startSeconds ?? 0;
  const endSeconds = range?.endSeconds ?? Number.POSITIVE_INFINITY;
  if (!(startSeconds >= 0 && Number.isFinite(startSeconds) && endSeconds > startSeconds)) {
    throw new CliptraceError(
      'RANGE_NOT_IN_VIDEO',
      `${shownName(file.filePath)}: from ${startSeconds} s to ${range?.endSeconds ?? 'the end'} is no range of time. ` +
        'The start must be 0 or more and lie before the end.',
      { details: { ...range } },
    );
  }
  // Whole seconds keep the grid of frames of a whole decode.
  const seekSeconds = seeksExactly(file.demuxers)
    ? Math.max(0, Math.floor(startSeconds - SEEK_MARGIN_SECONDS))
    : 0;
  const skipFrames = Math.round((startSeconds - seekSeconds) * framesPerSecond);
  const wanted = Math.max(1, Math.round((endSeconds - startSeconds) * framesPerSecond));
  return {
    seekSeconds,
    skipFrames,
    frameLimit: Number.isFinite(wanted) ? skipFrames + wanted : null,
    firstFrameSeconds: seekSeconds + skipFrames / framesPerSecond,
  };
}
