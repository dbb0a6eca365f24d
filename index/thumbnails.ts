import { access, rm } from 'node:fs/promises';
import path from 'node:path';
import { CliptraceError } from './errors.js';
import type { Video } from './library/types.js';
import { writeThumbnail } from './media/thumbnail.js';
import type { FfmpegProgram, MediaLimits } from './media/types.js';

const WIDTH_PIXELS = 320;
/** Thumbnails are made for whole steps, so that their number is bounded by the length of the video. */
const STEP_SECONDS = 0.5;

/** Of a picture's file: the content is part of it, so that a changed video has other pictures. */
export const THUMBNAIL_NAME = /^(?<videoId>\d+)-(?<content>[0-9a-f]{16})-(?<step>\d+)\.jpg$/;

/** Thumbnails are made on first demand and kept in the data folder: a cache that may be deleted at any time. */
export class Thumbnails {
  readonly #folder: string;
  readonly #ffmpeg: FfmpegProgram;
  readonly #limits: MediaLimits;
  /** Those being made, so that two requests for one picture start one child. */
  readonly #inHand = new Map<string, Promise<void>>();

  constructor(options: { folder: string; ffmpeg: FfmpegProgram; limits: MediaLimits }) {
    this.#folder = options.folder;
    this.#ffmpeg = options.ffmpeg;
    this.#limits = options.limits;
  }

  /** Path of a JPEG. RANGE_NOT_IN_VIDEO when the time lies behind the end. */
  async get(video: Video, mediaPath: string, atSeconds: number): Promise<string> {
    if (!(atSeconds >= 0 && atSeconds <= video.durationSeconds)) {
      throw new CliptraceError(
        'RANGE_NOT_IN_VIDEO',
        `${atSeconds} s lies outside video ${video.id}, which lasts ${video.durationSeconds} s`,
      );
    }
    const step = Math.round(atSeconds / STEP_SECONDS);
    const file = path.join(this.#folder, `${video.id}-${video.contentHash.slice(0, 16)}-${step}.jpg`);
    if (await exists(file)) return file;
    const running = this.#inHand.get(file);
    if (running) {
      await running;
      return file;
    }
    const work = writeThumbnail({
      ffmpeg: this.#ffmpeg,
      filePath: mediaPath,
      atSeconds: step * STEP_SECONDS,
      widthPixels: WIDTH_PIXELS,
      outPath: file,
      limits: this.#limits,
    });
    this.#inHand.set(file, work);
    try {
      await work;
    } finally {
      this.#inHand.delete(file);
    }
    return file;
  }

  /** Removes the pictures of a video. */
  async remove(video: Video): Promise<void> {
    const steps = Math.round(video.durationSeconds / STEP_SECONDS);
    const prefix = `${video.id}-${video.contentHash.slice(0, 16)}`;
    for (let step = 0; step <= steps; step += 1) {
      await rm(path.join(this.#folder, `${prefix}-${step}.jpg`), { force: true });
    }
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}
