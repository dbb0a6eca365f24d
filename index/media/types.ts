import type { Confinement } from './confinement.js';

/** What can be known of a video without decoding it. Unknown is null. */
export interface VideoProbe {
  /** ffmpeg's name of the demuxer, e.g. `mov,mp4,m4a,3gp,3g2,mj2`. */
  container: string;
  /** From the header: may be missing or wrong; the decode tells the truth. */
  durationSeconds: number | null;
  codec: string;
  /** As displayed: after rotation, in pixels. */
  width: number;
  height: number;
  framesPerSecond: number | null;
  rotationDegrees: number;
  hasAudio: boolean;
  /** The first video stream that is no cover picture; what the decode reads too. */
  streamIndex: number;
}

/** Where the ffmpeg program came from, in the order in which the places are tried. */
export type FfmpegSource = 'FFMPEG_PATH' | 'ffmpeg-static' | 'PATH' | '@ffmpeg-installer/ffmpeg';

export interface FfmpegProgram {
  path: string;
  source: FfmpegSource;
  /** As the program prints it, e.g. `7.1` or `N-47683-g0e8eb07980-static`. */
  version: string;
  /** Set when the build is so old that it should not be given files of strangers: what to do about it. */
  warning: string | null;
  /** What holds it beyond its arguments; nothing when it is not given. */
  confinement?: Confinement | undefined;
}

/** Bounds of one probe or decode. */
export interface MediaLimits {
  /** Wall clock from start to end of the child process; null = no bound but `stallTimeoutMs`. */
  timeoutMs: number | null;
  /** The child is killed when it has written nothing for so long while we were ready to read. */
  stallTimeoutMs: number;
  /** Of the child, on all its threads; null = unbounded. */
  cpuSeconds: number | null;
  /** Address space of the child; null = unbounded. */
  memoryBytes: number | null;
  maxPixels: number;
  /** Null = unbounded. */
  maxDurationSeconds: number | null;
  /**
   * A video may last a minute, and longer by its size divided by this; null = unbounded. A few kilobytes whose time stamps leap
   * would else stand for hours of frames, each of which is embedded and kept.
   */
  minBytesPerSecond: number | null;
  threads: number;
}

/** One clip, as the encoder takes it. */
export interface DecodedClip {
  /** The span of the video that the clip covers; cut at the end of the video. */
  startSeconds: number;
  endSeconds: number;
  /** RGB bytes, [frames, height, width, 3], row-major. The receiver owns the buffer, or gives it back to the pool that it comes from. */
  pixels: Uint8Array;
}

export interface DecodeSummary {
  /** Frames at the encoder's rate. */
  frameCount: number;
  /** Frames / rate: the length of the decoded range. */
  durationSeconds: number;
  /** True when ffmpeg reported errors midway but delivered frames (a cut or damaged file). */
  damaged: boolean;
}
