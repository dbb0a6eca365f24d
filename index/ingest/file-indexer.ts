import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { CliptraceError } from '../errors.js';
import type { FileOutcome, Library, Video, VideoFile, VideoMetadata } from '../library/types.js';
import type { MediaLimits } from '../media/types.js';
import type { Thumbnails } from '../thumbnails.js';
import type { SegmentIndex } from '../vectors/types.js';
import type { ArchiveEmbedder, EmbeddedFile } from './archive-embedder.js';
import { contentHash } from './content-hash.js';
import { isMissing } from './place.js';
import { fileSystemError, type ScannedFile } from './scan.js';

export interface FileIndexerParts {
  library: Library;
  index: SegmentIndex;
  embedder: ArchiveEmbedder;
  /** Where the pictures of a stored video go. */
  thumbnails: Thumbnails;
  /** Of the encoder. */
  modelId: string;
  limits: MediaLimits;
  /** For files that strangers sent. */
  uploadLimits: MediaLimits;
}

export interface FileTask {
  file: ScannedFile;
  collection: string;
  /** Null: from the file name. */
  title: string | null;
  /** Undefined: leave as it is. */
  label: string | null | undefined;
  /** Told of the video, whatever becomes of the file. */
  metadata?: VideoMetadata | undefined;
  /** The file lies in the data folder and goes with its video. */
  owned: boolean;
  signal: AbortSignal;
  onSegment?: ((endSeconds: number, durationSeconds: number | null) => void) | undefined;
}

export interface FileResult {
  outcome: Extract<FileOutcome, 'indexed' | 'updated' | 'unchanged' | 'moved' | 'duplicate'>;
  videoId: number;
  segments: number;
  videoSeconds: number;
}

/**
 * Brings one file of the archive into the library, or finds that it is there already: by size and time, then
 * by content. A file is read twice (hash, decode) and is refused when it changed in between.
 */
export class FileIndexer {
  readonly #parts: FileIndexerParts;
  /** Contents being indexed right now, so that two copies in one scan are embedded once. */
  readonly #inHand = new Map<string, Promise<unknown>>();

  constructor(parts: FileIndexerParts) {
    this.#parts = parts;
  }

  async indexFile(scanned: FileTask): Promise<FileResult> {
    const { library } = this.#parts;
    // The scan may be hours old by now.
    const state = await fileState(scanned.file.path);
    const task: FileTask = { ...scanned, file: { path: scanned.file.path, ...state.recorded } };
    const { file, collection } = task;
    const known = await library.findFile(collection, file.path);
    if (known && known.sizeBytes === file.sizeBytes && known.modifiedMs === file.modifiedMs) {
      const video = await library.getVideo(known.videoId);
      if (video && (await this.#isCurrent(video))) return this.#unchanged(video, task);
    }

    const hash = await contentHash(file.path, task.signal);
    const key = `${collection}\0${hash}`;
    while (this.#inHand.has(key)) await this.#inHand.get(key)?.catch(() => undefined);
    const work = this.#indexContent(task, known, { hash, changedMs: state.changedMs });
    this.#inHand.set(key, work);
    try {
      return await work;
    } finally {
      this.#inHand.delete(key);
    }
  }

  async #unchanged(video: Video, task: FileTask): Promise<FileResult> {
    await this.#relabel(video, task);
    return { outcome: 'unchanged', videoId: video.id, segments: 0, videoSeconds: 0 };
  }

  async #indexContent(task: FileTask, known: VideoFile | null, content: FileContent): Promise<FileResult> {
    const { library } = this.#parts;
    const same = await library.findVideoByContent(task.collection, content.hash);
    if (same && (await this.#isCurrent(same))) return this.#adopt(task, known, same);
    const embedded = await this.#embed(task, content);
    return this.#store(task, known, content.hash, same, embedded);
  }

  /** The content is there already: only the place is new. */
  async #adopt(task: FileTask, known: VideoFile | null, video: Video): Promise<FileResult> {
    const { library } = this.#parts;
    const { file, collection, owned } = task;
    const others = (await library.filesOf(video.id)).filter((other) => other.path !== file.path);
    // The new place first: a video without any file would be found for ever.
    await library.putFile({ ...file, videoId: video.id, collection, owned });
    let moved = false;
    for (const other of others) {
      if (await isMissing(other.path)) {
        await library.removeFile(collection, other.path);
        moved = true;
      }
    }
    await this.#forgetReplaced(known, video.id);
    if (moved) await this.#retitle(video, others, task);
    await this.#relabel(video, task);
    const touched = known?.videoId === video.id;
    const outcome = moved ? 'moved' : touched ? 'unchanged' : 'duplicate';
    return { outcome, videoId: video.id, segments: 0, videoSeconds: 0 };
  }

  async #embed(task: FileTask, content: FileContent): Promise<EmbeddedFile> {
    const { embedder, limits, uploadLimits } = this.#parts;
    const { file, signal, onSegment } = task;
    const embedded = await embedder.embed({
      limits: task.owned ? uploadLimits : limits,
      filePath: file.path,
      sizeBytes: file.sizeBytes,
      signal,
      onSegment,
    });
    try {
      await this.#requireSame(task, content);
      return embedded;
    } catch (error) {
      await rm(embedded.picturesPath, { force: true });
      throw error;
    }
  }

  /** FILE_CHANGED unless the file still is what was hashed. */
  async #requireSame({ file, signal }: FileTask, { hash, changedMs }: FileContent): Promise<void> {
    const now = await fileState(file.path);
    const { sizeBytes, modifiedMs } = now.recorded;
    const same =
      sizeBytes === file.sizeBytes &&
      modifiedMs === file.modifiedMs &&
      // Another file may have taken its place with the size and time of the old one; a new owner or link is no harm.
      (now.changedMs === changedMs || (await contentHash(file.path, signal)) === hash);
    if (same) return;
    throw new CliptraceError(
      'FILE_CHANGED',
      `${file.path} changed while it was indexed: run index again when it has been written completely`,
    );
  }

  async #store(
    task: FileTask,
    known: VideoFile | null,
    hash: string,
    same: Video | null,
    embedded: EmbeddedFile,
  ): Promise<FileResult> {
    const { library, index, modelId, thumbnails } = this.#parts;
    const { probe, summary, segments, picturesPath, pictureIntervalSeconds } = embedded;
    const { file, collection, owned } = task;
    const replaced = same ?? (await this.#replacedVideo(known));
    const keepsTitle = same !== null && task.title === null;
    const put: Parameters<Library['putVideo']>[0] = {
      video: {
        collection,
        title: keepsTitle ? same.title : (task.title ?? titleOf(file.path)),
        label: task.label === undefined ? (replaced?.label ?? null) : task.label,
        contentHash: hash,
        sizeBytes: file.sizeBytes,
        durationSeconds: summary.durationSeconds,
        width: probe.width,
        height: probe.height,
        framesPerSecond: probe.framesPerSecond,
        codec: probe.codec,
        container: probe.container,
        hasAudio: probe.hasAudio,
        damaged: summary.damaged,
      },
      file: { path: file.path, sizeBytes: file.sizeBytes, modifiedMs: file.modifiedMs, owned },
      modelId,
      segments,
      replaceVideoId: replaced?.id,
    };
    const stored =
      replaced && replaced.contentHash !== hash
        ? thumbnails.removeAround(replaced, () => library.putVideo(put))
        : library.putVideo(put);
    const video = await stored.catch(async (error: unknown) => {
      await rm(picturesPath, { force: true });
      throw error;
    });
    await thumbnails.adopt(video, picturesPath, pictureIntervalSeconds);
    // Somebody may have removed it as soon as it was there.
    if (!(await library.getVideo(video.id))) await thumbnails.remove(video);
    if (task.metadata) await library.putMetadata(video.id, task.metadata);
    await this.#forgetReplaced(known, video.id);
    await index.catchUp();
    return {
      outcome: replaced ? 'updated' : 'indexed',
      videoId: video.id,
      segments: segments.spans.length,
      videoSeconds: summary.durationSeconds,
    };
  }

  /** The video whose only file this was: its new content takes its place and keeps its id. */
  async #replacedVideo(known: VideoFile | null): Promise<Video | null> {
    if (!known) return null;
    const files = await this.#parts.library.filesOf(known.videoId);
    return files.length === 1 ? this.#parts.library.getVideo(known.videoId) : null;
  }

  /** A video that lost its last file to other content is gone from the archive. */
  async #forgetReplaced(known: VideoFile | null, nowVideoId: number): Promise<void> {
    const { library, index, thumbnails } = this.#parts;
    if (!known || known.videoId === nowVideoId) return;
    if ((await library.filesOf(known.videoId)).length > 0) return;
    const video = await library.getVideo(known.videoId);
    if (video) await thumbnails.removeAround(video, () => library.removeVideo(video.id));
    await index.catchUp();
  }

  async #retitle(video: Video, oldFiles: readonly VideoFile[], task: FileTask): Promise<void> {
    // Only a title that came from the file name follows the file name.
    if (task.title === null && oldFiles.some((file) => titleOf(file.path) === video.title)) {
      await this.#parts.library.updateVideo(video.id, { title: titleOf(task.file.path) });
    }
  }

  async #relabel(video: Video, task: FileTask): Promise<void> {
    if (task.label !== undefined && task.label !== video.label) {
      await this.#parts.library.updateVideo(video.id, { label: task.label });
    }
    if (task.metadata) await this.#parts.library.putMetadata(video.id, task.metadata);
  }

  async #isCurrent(video: Video): Promise<boolean> {
    return this.#parts.library.hasSegments(video.id, this.#parts.modelId);
  }
}

/** What was hashed; the decode has to read the same. */
interface FileContent {
  hash: string;
  /** Time of the last change of the content or of what the file system keeps about it. */
  changedMs: number;
}

async function fileState(
  filePath: string,
): Promise<{ recorded: { sizeBytes: number; modifiedMs: number }; changedMs: number }> {
  try {
    const { size, mtimeMs, ctimeMs } = await stat(filePath);
    return { recorded: { sizeBytes: size, modifiedMs: mtimeMs }, changedMs: ctimeMs };
  } catch (error) {
    throw fileSystemError(filePath, error);
  }
}

/** The file's name without its extension. */
export function titleOf(filePath: string): string {
  const { name, base } = path.parse(filePath);
  return name || base;
}
