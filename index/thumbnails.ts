import { copyFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { CliptraceError } from './errors.js';
import type { Video } from './library/types.js';
import { readPicture, sealStrip } from './media/picture-strip.js';
import { writeThumbnail } from './media/thumbnail.js';
import type { FfmpegProgram, MediaLimits } from './media/types.js';
import { explainingWrites } from './storage-errors.js';

export const THUMBNAIL_WIDTH_PIXELS = 320;
/** Thumbnails are made for whole steps, so that their number is bounded by the length of the video. */
const STEP_SECONDS = 0.5;
/** Of a video of so many steps, pictures are looked up in the folder to be removed: a day would be 172,800 names to try. */
const LISTED_FROM_STEPS = 1000;

/** Of the files that are kept of a video: its content is part of the name, so that a changed video has other pictures. */
export const THUMBNAIL_NAME = /^(?<videoId>\d+)-(?<content>[0-9a-f]{16})(?:\.strip|-(?<step>\d+)\.jpg)$/;

/** What a picture is made of, when there is none. */
export interface PictureSource {
  mediaPath: () => Promise<string>;
  /** Whether the library still has the video, with the same content. */
  isKept: () => Promise<boolean>;
}

/**
 * Pictures of videos. Indexing leaves a strip of them for each (`adopt`); a video without one, indexed by an earlier version or
 * having lost it, gets single ones on demand. All of it lies in the data folder as a cache that may be deleted at any time.
 */
export class Thumbnails {
  readonly #folder: string;
  readonly #ffmpeg: FfmpegProgram;
  readonly #limits: MediaLimits;
  /** Those being made, so that two requests for one picture start one child. */
  readonly #inHand = new Map<string, Promise<void>>();
  /** What has been made of videos, by prefix, since their removal began. */
  readonly #removing = new Map<string, Set<string>>();

  constructor(options: { folder: string; ffmpeg: FfmpegProgram; limits: MediaLimits }) {
    this.#folder = options.folder;
    this.#ffmpeg = options.ffmpeg;
    this.#limits = options.limits;
  }

  /** Bytes of a JPEG. RANGE_NOT_IN_VIDEO when the time lies behind the end; VIDEO_NOT_FOUND when the video is removed meanwhile. */
  async get(video: Video, source: PictureSource, atSeconds: number): Promise<Buffer> {
    if (!(atSeconds >= 0 && atSeconds <= video.durationSeconds)) {
      throw new CliptraceError(
        'RANGE_NOT_IN_VIDEO',
        `${atSeconds} s lies outside video ${video.id}, which lasts ${video.durationSeconds} s`,
      );
    }
    const picture = await readPicture(this.#stripOf(video), atSeconds);
    if (picture) return picture;
    const step = Math.round(atSeconds / STEP_SECONDS);
    const file = this.#singleOf(video, step);
    const kept = await readOrNull(file);
    if (kept) return kept;
    await this.#once(file, async () => {
      await this.#make(await source.mediaPath(), step, file);
      this.#removing.get(this.#prefixOf(video))?.add(file);
      // Removed while it was made: nobody would know whose picture it is.
      if (!(await source.isKept())) await rm(file, { force: true });
    });
    const made = await readOrNull(file);
    if (made) return made;
    throw new CliptraceError('VIDEO_NOT_FOUND', `Video ${video.id} was removed while its picture was made`);
  }

  /**
   * Takes over the JPEGs that were made while the video was decoded; the file at that path is gone afterwards.
   * DISK_FULL, DATA_FOLDER_NOT_WRITABLE.
   */
  async adopt(video: Video, picturesPath: string, intervalSeconds: number): Promise<void> {
    try {
      await explainingWrites(`The pictures of video ${video.id}`, async () => {
        if (!(await sealStrip(picturesPath, intervalSeconds, video.durationSeconds))) return;
        await mkdir(this.#folder, { recursive: true });
        await moveFile(picturesPath, this.#stripOf(video));
      });
    } finally {
      await rm(picturesPath, { force: true });
    }
  }

  /**
   * Removes the pictures of a video around a change of the library after which it is no more, or has another content: before it,
   * because a kill in between would leave them to nobody; after it, because pictures may have been made meanwhile.
   */
  async removeAround<T>(video: Video, change: () => Promise<T>): Promise<T> {
    const prefix = this.#prefixOf(video);
    const made = new Set<string>();
    this.#removing.set(prefix, made);
    try {
      await this.remove(video);
      return await change();
    } finally {
      this.#removing.delete(prefix);
      for (const file of made) await rm(file, { force: true });
    }
  }

  /** Removes the pictures of a video. */
  async remove(video: Video): Promise<void> {
    await rm(this.#stripOf(video), { force: true });
    const steps = Math.round(video.durationSeconds / STEP_SECONDS);
    if (steps > LISTED_FROM_STEPS) return this.#removeListed(video);
    for (let step = 0; step <= steps; step += 1) await rm(this.#singleOf(video, step), { force: true });
  }

  async #removeListed(video: Video): Promise<void> {
    const start = `${path.basename(this.#prefixOf(video))}-`;
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if (name.startsWith(start) && THUMBNAIL_NAME.test(name))
        await rm(path.join(this.#folder, name), { force: true });
    }
  }

  #prefixOf(video: Video): string {
    return path.join(this.#folder, `${video.id}-${video.contentHash.slice(0, 16)}`);
  }

  #stripOf(video: Video): string {
    return `${this.#prefixOf(video)}.strip`;
  }

  #singleOf(video: Video, step: number): string {
    return `${this.#prefixOf(video)}-${step}.jpg`;
  }

  #make(mediaPath: string, step: number, file: string): Promise<void> {
    return writeThumbnail({
      ffmpeg: this.#ffmpeg,
      filePath: mediaPath,
      atSeconds: step * STEP_SECONDS,
      widthPixels: THUMBNAIL_WIDTH_PIXELS,
      outPath: file,
      limits: this.#limits,
    });
  }

  async #once(file: string, write: () => Promise<void>): Promise<void> {
    const running = this.#inHand.get(file);
    if (running) return running;
    const work = write();
    this.#inHand.set(file, work);
    try {
      await work;
    } finally {
      this.#inHand.delete(file);
    }
  }
}

/** Also to another disk; appears complete or not at all. */
async function moveFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    const part = `${to}.part`;
    try {
      await copyFile(from, part);
      await rename(part, to);
    } finally {
      await rm(part, { force: true });
    }
  }
}

async function readOrNull(file: string): Promise<Buffer | null> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
