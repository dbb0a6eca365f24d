import { CliptraceError } from '../errors.js';
import { ClipPool } from '../media/clip-pool.js';
import { framesPerPicture } from '../media/decode-arguments.js';
import { DecodeGroup } from '../media/decode-group.js';
import type { FfmpegProgram, MediaLimits, VideoProbe } from '../media/types.js';
import type { ClipBatcher } from './clip-batcher.js';
import { type EmbeddedVideo, embedVideo } from './embed-video.js';
import { encodeClips } from './encode-clips.js';
import { GroupSize, isSmall, splitOffGroup } from './group-size.js';
import { PictureFile } from './picture-file.js';

export interface ArchiveEmbedderParts {
  ffmpeg: FfmpegProgram;
  batcher: ClipBatcher;
  /** ffmpeg processes at a time. */
  decodes: number;
  /** Where pictures are written until their video is stored; swept at start. */
  temporaryFolder: string;
  pictureWidthPixels: number;
}

export interface ArchiveFile {
  filePath: string;
  sizeBytes: number;
  limits: MediaLimits;
  signal: AbortSignal;
  onSegment?: ((endSeconds: number, durationSeconds: number | null) => void) | undefined;
}

export interface EmbeddedFile extends EmbeddedVideo {
  /** JPEGs one behind the other; whoever receives the path moves or removes it. */
  picturesPath: string;
  /** The first picture is of the first frame, the others are of the middle of each interval. */
  pictureIntervalSeconds: number;
}

interface Waiting extends ArchiveFile {
  resolve: (embedded: EmbeddedFile) => void;
  reject: (error: unknown) => void;
}

/** More threads hold more frames, and gain little. */
const MAX_DECODER_THREADS = 4;

/**
 * Decodes and encodes the files of an archive: `decodes` of them side by side, each with one thread as long as there are others,
 * because a second one costs 10 to 40 % more processor time; short files several to a process (`DecodeGroup`).
 */
export class ArchiveEmbedder {
  readonly #parts: ArchiveEmbedderParts;
  readonly #waiting: Waiting[] = [];
  readonly #groupSize = new GroupSize();
  readonly #pool = new ClipPool();
  #running = 0;
  #scheduled = false;

  constructor(parts: ArchiveEmbedderParts) {
    this.#parts = parts;
  }

  /** The codes of `embedVideo`, and DISK_FULL or DATA_FOLDER_NOT_WRITABLE for the pictures. */
  embed(file: ArchiveFile): Promise<EmbeddedFile> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...file, resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      // Deferred, so that files handed over in the same turn can share a process.
      setImmediate(() => {
        this.#scheduled = false;
        this.#start();
      });
    });
  }

  #start(): void {
    for (let free = this.#parts.decodes - this.#running; free > 0 && this.#waiting.length > 0; free -= 1) {
      const group = splitOffGroup(this.#waiting, this.#groupSize.limit, free);
      this.#running += 1;
      void this.#work(group)
        .catch((error: unknown) => {
          for (const file of group) file.reject(error);
        })
        .finally(() => {
          this.#running -= 1;
          this.#start();
        });
    }
  }

  /** Settles every file of the group. */
  async #work(group: readonly Waiting[]): Promise<void> {
    const left = group.length > 1 ? await this.#embedGroup(group) : group;
    for (const file of left) await this.#embedAlone(file).then(file.resolve, file.reject);
  }

  async #embedAlone(file: Waiting): Promise<EmbeddedFile> {
    const { ffmpeg, batcher, decodes, temporaryFolder, pictureWidthPixels } = this.#parts;
    const { filePath, limits, signal, onSegment } = file;
    if (signal.aborted) throw new CliptraceError('CANCELLED', 'The indexing was cancelled');
    const share = Math.floor(decodes / Math.min(decodes, this.#running + this.#waiting.length));
    const pictures = await PictureFile.create(temporaryFolder);
    try {
      const embedded = await embedVideo({
        ffmpeg,
        batcher,
        filePath,
        limits: { ...limits, threads: Math.min(share, MAX_DECODER_THREADS) },
        hopSeconds: batcher.encoder.manifest.segmentHopSeconds,
        priority: 'archive',
        pool: this.#pool,
        pictures: { file: pictures.descriptor, widthPixels: pictureWidthPixels },
        signal,
        onSegment,
      });
      // So that groups are tried again after damaged files had ended them.
      if (isSmall(file)) this.#groupSize.tell(true);
      return { ...embedded, ...(await this.#kept(pictures)) };
    } catch (error) {
      await pictures.discard();
      throw error;
    }
  }

  /** Returns the files that are to be embedded one by one: all errors are found again there, each with its file. */
  async #embedGroup(files: readonly Waiting[]): Promise<readonly Waiting[]> {
    const { temporaryFolder } = this.#parts;
    const pictures: PictureFile[] = [];
    let group: DecodeGroup | null = null;
    const left = new Set(files);
    try {
      for (const _ of files) pictures.push(await PictureFile.create(temporaryFolder));
      group = await this.#openGroup(files, pictures);
      const members = files.map((file, i) =>
        this.#embedMember(group as DecodeGroup, i, file, pictures[i] as PictureFile).then((embedded) => {
          left.delete(file);
          file.resolve(embedded);
        }),
      );
      await Promise.allSettled(members);
    } catch {
      // Could not be begun.
    } finally {
      await group?.stop();
    }
    for (const [i, file] of files.entries()) if (left.has(file)) await pictures[i]?.discard();
    // One that nothing was found in is decoded again, and the others are not.
    this.#groupSize.tell(left.size < files.length);
    return [...left];
  }

  #openGroup(files: readonly Waiting[], pictures: readonly PictureFile[]): Promise<DecodeGroup> {
    const { ffmpeg, batcher, pictureWidthPixels } = this.#parts;
    const { preprocessing, segmentHopSeconds } = batcher.encoder.manifest;
    const [first] = files as [Waiting];
    return DecodeGroup.open({
      ffmpeg,
      preprocessing,
      hopSeconds: segmentHopSeconds,
      pool: this.#pool,
      limits: { ...first.limits, threads: 1 },
      signal: first.signal,
      members: files.map(({ filePath }, i) => ({
        filePath,
        pictures: { file: (pictures[i] as PictureFile).descriptor, widthPixels: pictureWidthPixels },
      })),
    });
  }

  async #embedMember(
    group: DecodeGroup,
    member: number,
    { onSegment }: ArchiveFile,
    pictures: PictureFile,
  ): Promise<EmbeddedFile> {
    const told: { probe: VideoProbe | null } = { probe: null };
    const clips = group.clips(member, (probe) => {
      told.probe = probe;
    });
    const encoded = await encodeClips({
      batcher: this.#parts.batcher,
      clips,
      priority: 'archive',
      pool: this.#pool,
      onClip: (clip) => onSegment?.(clip.endSeconds, group.promisedSeconds(member)),
    });
    if (told.probe === null) throw new Error('The clips ended without a probe');
    return { ...encoded, probe: told.probe, ...(await this.#kept(pictures)) };
  }

  async #kept(pictures: PictureFile): Promise<Pick<EmbeddedFile, 'picturesPath' | 'pictureIntervalSeconds'>> {
    const { preprocessing } = this.#parts.batcher.encoder.manifest;
    const pictureIntervalSeconds = framesPerPicture(preprocessing) / preprocessing.framesPerSecond;
    return { picturesPath: await pictures.keep(), pictureIntervalSeconds };
  }
}
