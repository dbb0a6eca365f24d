import { rm } from 'node:fs/promises';
import path from 'node:path';
import { CliptraceError } from '../errors.js';
import { liesOnlyAt } from '../library/place-of-video.js';
import type { FileOutcome, Library, Video, VideoFile, VideoMetadata } from '../library/types.js';
import type { MediaLimits } from '../media/types.js';
import type { Thumbnails } from '../thumbnails.js';
import type { SegmentIndex } from '../vectors/types.js';
import { absenceOf } from './absence.js';
import type { ArchiveEmbedder, EmbeddedFile } from './archive-embedder.js';
import { contentHash } from './content-hash.js';
import { type FileState, fileState } from './file-state.js';
import { RecentHashes } from './recent-hashes.js';
import type { ScannedFile } from './scan.js';

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
  /**
   * Asked before new content takes the place of a video that lies nowhere else: whether the video may have moved to a file that
   * is still to come. Then it would lose its id, and what it is called, to the new content.
   */
  mayHaveMoved?: ((video: Video) => boolean) | undefined;
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
  readonly #hashes = new RecentHashes();
  /** Where videos lay whose last place was taken by other content, by id: they may turn up elsewhere, and their title follows. */
  readonly #formerPlaces = new Map<number, string>();

  constructor(parts: FileIndexerParts) {
    this.#parts = parts;
  }

  /** Null: not now, because `mayHaveMoved` said so. */
  async indexFile(scanned: FileTask): Promise<FileResult | null> {
    const { library } = this.#parts;
    // The scan may be hours old by now.
    const state = await fileState(scanned.file.path);
    const file = { ...scanned.file, ...state.recorded };
    const { collection } = scanned;
    const known = await library.findFile(collection, file.path);
    // An upload stays one, whoever asks for it again.
    const task: FileTask = { ...scanned, file, owned: scanned.owned || known?.owned === true };
    if (known && known.sizeBytes === file.sizeBytes && known.modifiedMs === file.modifiedMs) {
      const video = await library.getVideo(known.videoId);
      if (video && (await this.#isCurrent(video))) return this.#unchanged(video, task);
    }

    const hash = await this.#hashes.of(file.path, state, task.signal);
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

  /**
   * Removes the videos of a collection that no file has any more: other content took their last place, and they turned up at no other. For
   * the end of a job, when all that has moved is known.
   */
  async forgetUnplaced(collection: string): Promise<void> {
    const unplaced = await this.#parts.library.unplacedVideos(collection);
    for (const video of unplaced) await this.#forget(video);
    if (unplaced.length > 0) await this.#parts.index.catchUp();
  }

  /** The same for one video, one of whose places has been removed. */
  async forgetIfUnplaced(videoId: number): Promise<void> {
    const { library, index } = this.#parts;
    const video = await library.getVideo(videoId);
    if (video === null || (await library.filesOf(videoId)).length > 0) return;
    await this.#forget(video);
    await index.catchUp();
  }

  async #forget(video: Video): Promise<void> {
    const { library, thumbnails } = this.#parts;
    await thumbnails.removeAround(video, () => library.removeUnplacedVideo(video.id));
    this.#formerPlaces.delete(video.id);
  }

  async #unchanged(video: Video, task: FileTask): Promise<FileResult> {
    await this.#relabel(video, task);
    return { outcome: 'unchanged', videoId: video.id, segments: 0, videoSeconds: 0 };
  }

  async #indexContent(
    task: FileTask,
    known: VideoFile | null,
    content: FileContent,
  ): Promise<FileResult | null> {
    let same = await this.#parts.library.findVideoByContent(task.collection, content.hash);
    if (same && (await this.#isCurrent(same))) {
      const joined = await this.#join(task, same, content);
      if (joined) return joined;
      // It has other content since, or has been removed.
      same = null;
    }
    if (!same && task.mayHaveMoved) {
      const replaced = await this.#replacedVideo(known);
      if (replaced && task.mayHaveMoved(replaced)) return null;
    }
    const embedded = await this.#embed(task, content);
    return this.#store(task, known, content.hash, same, embedded);
  }

  /** The content is there already: only the place is new. Null when it no longer is. */
  async #join(task: FileTask, video: Video, content: FileContent): Promise<FileResult | null> {
    const { library, modelId } = this.#parts;
    const { file, collection, owned } = task;
    await this.#requireSame(task, content);
    const left: VideoFile[] = [];
    for (const other of await library.filesOf(video.id)) {
      if (other.path !== file.path && (await this.#hasLeft(other, content.hash, task.signal)))
        left.push(other);
    }
    const joined = await library.joinVideo({
      file: { ...file, collection, owned },
      contentHash: content.hash,
      modelId,
      left,
    });
    if (!joined) return null;
    const { before, unplacedVideoId } = joined;
    if (unplacedVideoId !== null) this.#formerPlaces.set(unplacedVideoId, file.path);
    const moved = joined.left.length > 0 || before.length === 0;
    if (moved) await this.#retitle(joined.video, joined.left, task);
    await this.#relabel(joined.video, task);
    const touched = before.some((place) => place.path === file.path);
    const outcome = moved ? 'moved' : touched ? 'unchanged' : 'duplicate';
    return { outcome, videoId: joined.video.id, segments: 0, videoSeconds: 0 };
  }

  /** Whether the content is certainly no longer at a place where it was: nothing is there, or something else. */
  async #hasLeft(place: VideoFile, hash: string, signal: AbortSignal): Promise<boolean> {
    const absence = await absenceOf(place);
    if (absence !== 'there') return absence === 'deleted';
    try {
      const state = await fileState(place.path);
      const { sizeBytes, modifiedMs } = state.recorded;
      if (sizeBytes !== place.sizeBytes) return true;
      return modifiedMs !== place.modifiedMs && (await this.#hashes.of(place.path, state, signal)) !== hash;
    } catch (error) {
      if (signal.aborted) throw error;
      // What cannot be read may be the same.
      return false;
    }
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
    // Whether it really is replaced is decided in the library, at the moment of the change.
    const replaced = same ?? (await this.#replacedVideo(known));
    const keepsTitle = same !== null && task.title === null;
    const ownTitle = owned ? replaced?.title : undefined;
    const put: Parameters<Library['putVideo']>[0] = {
      video: {
        collection,
        title: keepsTitle ? same.title : (task.title ?? ownTitle ?? titleOf(file.path)),
        label: task.label,
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
      file: { ...file, owned },
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
    if ((await library.getVideo(video.id))?.contentHash !== hash) await thumbnails.remove(video);
    if (task.metadata) await library.putMetadata(video.id, task.metadata);
    await index.catchUp();
    return {
      outcome: video.id === replaced?.id ? 'updated' : 'indexed',
      videoId: video.id,
      segments: segments.spans.length,
      videoSeconds: summary.durationSeconds,
    };
  }

  /** The video whose only file this was: its new content takes its place and keeps its id. */
  async #replacedVideo(known: VideoFile | null): Promise<Video | null> {
    if (!known) return null;
    const files = await this.#parts.library.filesOf(known.videoId);
    return liesOnlyAt(files, known.path) ? this.#parts.library.getVideo(known.videoId) : null;
  }

  async #retitle(video: Video, left: readonly VideoFile[], task: FileTask): Promise<void> {
    const places = left.map((file) => file.path);
    const former = this.#formerPlaces.get(video.id);
    if (former !== undefined) places.push(former);
    this.#formerPlaces.delete(video.id);
    // Only a title that came from the file name follows the file name; the name of an upload is ours.
    if (task.title === null && !task.owned && places.some((place) => titleOf(place) === video.title)) {
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
type FileContent = Pick<FileState, 'changedMs'> & { hash: string };

/** The file's name without its extension. */
export function titleOf(filePath: string): string {
  const { name, base } = path.parse(filePath);
  return name || base;
}
