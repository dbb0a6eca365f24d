import { access, rm, stat } from 'node:fs/promises';
import { WatchEmbedder } from './clip-watch/embed-watch.js';
import { readManifest } from './encoder/manifest.js';
import { manifestPathOf } from './encoder/model-store.js';
import { openModel } from './encoder/onnx-encoder.js';
import { CliptraceError, errorMessageOf } from './errors.js';
import { createEvaluationRunner } from './evaluation/evaluation-runner.js';
import { Admission } from './ingest/admission.js';
import { ArchiveEmbedder } from './ingest/archive-embedder.js';
import { ClipBatcher } from './ingest/clip-batcher.js';
import { FileIndexer } from './ingest/file-indexer.js';
import { MAX_GROUP_FILES } from './ingest/group-size.js';
import { LibraryJobQueue } from './ingest/job-queue.js';
import { removeOrphanUploads } from './ingest/orphan-uploads.js';
import { RoomWatch } from './ingest/room-watch.js';
import { closedFolders, openDataFolder, sweepTemporaryFolder } from './library/data-folder.js';
import { openLibrary } from './library/sqlite-library.js';
import type { Library, Video } from './library/types.js';
import { looksLikeVideo } from './media/container-check.js';
import { resolveFfmpeg } from './media/ffmpeg-program.js';
import { defaultMediaLimits } from './media/limits.js';
import type { MediaLimits } from './media/types.js';
import { AlignmentThreads } from './search/alignment-threads.js';
import { createBoilerplateTask, findBoilerplateIfGrown } from './search/boilerplate/boilerplate-task.js';
import { calibrateIfGrown, createCalibrationTask } from './search/calibration/calibrate-collection.js';
import { createDuplicatesTask } from './search/duplicates/duplicates-task.js';
import { createSearcher } from './search/searcher.js';
import type { Searcher } from './search/types.js';
import type { Settings } from './settings.js';
import { THUMBNAIL_WIDTH_PIXELS, Thumbnails } from './thumbnails.js';
import type { Cliptrace, DataFolder, Readiness } from './types.js';
import { DeferredIndex } from './vectors/deferred-index.js';
import { type IndexLogger, openSegmentIndex } from './vectors/index-follower.js';
import { RecallKeeper } from './vectors/recall-keeper.js';
import type { SegmentIndex } from './vectors/types.js';

export interface OpenOptions {
  settings: Settings;
  env: NodeJS.ProcessEnv;
  /** `write` holds the data folder alone and migrates it; `read` looks on while another process may write. */
  mode: 'write' | 'read';
  /** Returns while the vector index is still being loaded or rebuilt; searches are refused until then. */
  background?: boolean | undefined;
  onRebuildProgress?: ((progress: { segmentsDone: number; segmentsTotal: number }) => void) | undefined;
  onJobError?: ((error: unknown, jobId: number | null) => void) | undefined;
  /** Told what went wrong with the vector index but harms nothing: it can be made again from the library. */
  logger?: IndexLogger | undefined;
}

export interface OpenedCliptrace extends Cliptrace {
  readonly jobs: LibraryJobQueue;
  readonly index: SegmentIndex;
  /** Where no videos of an archive are looked for. */
  readonly closedFolders: readonly string[];
}

/** Clips of one encoder call: more gained nothing on the processors that were measured (docs/architecture.md). */
export const MAX_BATCH = 4;

/** Of files that are hashed ahead of their decoding: they should still be in the system's cache when their turn comes. */
const MAX_EARLY_BYTES = 64 * 1024 ** 2;

/** A query is decoded while someone waits, and comes from a stranger. */
function queryLimits({ queryTimeoutMs }: Settings): MediaLimits {
  return {
    ...defaultMediaLimits,
    timeoutMs: queryTimeoutMs,
    cpuSeconds: Math.ceil(queryTimeoutMs / 1000),
    stallTimeoutMs: 30_000,
    maxDurationSeconds: 4 * 3600,
    minBytesPerSecond: 10,
  };
}

/** What is in the library has been let in. */
function thumbnailLimits(settings: Settings): MediaLimits {
  return { ...queryLimits(settings), maxDurationSeconds: null, minBytesPerSecond: null };
}

/** A video that was uploaded to be kept comes from a stranger, too, but nobody waits for it. */
function keptUploadLimits(settings: Settings): MediaLimits {
  const timeoutMs = settings.fileTimeoutMs ?? 2 * 3600_000;
  return {
    ...queryLimits(settings),
    timeoutMs,
    cpuSeconds: Math.ceil(timeoutMs / 1000),
    maxDurationSeconds: 12 * 3600,
  };
}

/**
 * An archive file may take as long as it needs, as long as it moves, unless a limit is set; bounded are the size of frames and what
 * leaping time stamps make of a few bytes. A still picture takes more than a byte a second at one frame in ten seconds.
 */
function archiveLimits({ fileTimeoutMs, stallTimeoutMs }: Settings): MediaLimits {
  return {
    ...defaultMediaLimits,
    timeoutMs: fileTimeoutMs,
    stallTimeoutMs,
    maxDurationSeconds: null,
    minBytesPerSecond: 1,
  };
}

/** Opens the data folder and everything that works on it. What was opened is closed again when a later part fails. */
export async function openCliptrace(options: OpenOptions): Promise<OpenedCliptrace> {
  const undo: (() => unknown)[] = [];
  try {
    return await compose(options, undo);
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

async function compose(options: OpenOptions, undo: (() => unknown)[]): Promise<OpenedCliptrace> {
  const { settings, env, mode } = options;
  const writable = mode === 'write';
  const dataFolder = await openDataFolder(settings.dataRoot, { create: writable });
  // Takes the lock of the folder: from here on, what lies in it is ours to sweep.
  const library = await openLibrary({ dataFolder, mode });
  undo.push(() => library.close());
  if (writable) await sweepTemporaryFolder(dataFolder);
  // Side by side, for they take most of the time of a start; what fails is told in this order.
  const ffmpegFound = awaitedLater(resolveFfmpeg({ env }));
  const { precision, threads } = settings;
  const modelRead = awaitedLater(readManifest(manifestPathOf(settings.modelFolder), precision));
  const encoderOpened = awaitedLater(modelRead.then((model) => openModel({ model, precision, threads })));
  undo.push(async () => (await encoderOpened.catch(() => null))?.close());
  const ffmpeg = await ffmpegFound;
  const { manifest } = await modelRead;
  const index = new DeferredIndex(
    manifest.dimension,
    openSegmentIndex({
      library,
      model: { id: manifest.id, dimension: manifest.dimension },
      folder: dataFolder.vectorsFolder,
      writable,
      after: encoderOpened,
      onProgress: options.onRebuildProgress,
      logger: options.logger,
    }),
  );
  undo.push(() => index.close());
  const encoder = await encoderOpened;
  if (writable) {
    await library.registerModel({
      id: manifest.id,
      dimension: manifest.dimension,
      timesteps: manifest.timesteps,
      manifestJson: JSON.stringify(manifest),
    });
    await removeOrphanUploads(dataFolder.mediaFolder, library);
  }
  if (!options.background) await index.opened;

  const batcher = new ClipBatcher({ encoder, maxBatch: MAX_BATCH });
  const thumbnails = new Thumbnails({
    folder: dataFolder.thumbnailsFolder,
    ffmpeg,
    limits: thumbnailLimits(settings),
  });
  const embedder = new ArchiveEmbedder({
    ffmpeg,
    batcher,
    decodes: settings.decodes,
    temporaryFolder: dataFolder.temporaryFolder,
    pictureWidthPixels: THUMBNAIL_WIDTH_PIXELS,
  });
  const indexer = new FileIndexer({
    library,
    index,
    embedder,
    thumbnails,
    modelId: manifest.id,
    limits: archiveLimits(settings),
    uploadLimits: keptUploadLimits(settings),
  });
  // A command that searches once has nothing to learn from.
  const keeper =
    options.background && settings.targetRecall !== null
      ? new RecallKeeper({
          index,
          library,
          modelId: manifest.id,
          targetRecall: settings.targetRecall,
          onError: (error) =>
            options.logger?.warn(
              { reason: errorMessageOf(error) },
              'The recall of searches could not be measured',
            ),
        })
      : null;
  if (keeper) undo.push(() => keeper.close());
  const aligner = new AlignmentThreads({
    dataFolder,
    reader: library,
    count: settings.searchThreads,
    onFailure: (error) =>
      options.logger?.warn(
        { reason: error.message },
        'Searches are aligned on one thread: no other could be started',
      ),
  });
  undo.push(() => aligner.close());
  const searcher = tellingRecall(
    createSearcher({
      library,
      index: keeper ?? index,
      aligner,
      batcher,
      ffmpeg,
      limits: queryLimits(settings),
    }),
    keeper,
  );
  const closed = await closedFolders(dataFolder);
  const pathOfVideo = async (videoId: number) => mediaPath(library, await requireVideo(library, videoId));
  const jobs = new LibraryJobQueue({
    library,
    index,
    searchable: index.opened.catch(() => undefined),
    indexer,
    evaluate: createEvaluationRunner({
      library,
      searcher,
      index,
      model: manifest,
      ffmpeg,
      limits: queryLimits(settings),
      temporaryFolder: dataFolder.temporaryFolder,
      mediaPath: pathOfVideo,
    }),
    tasks: {
      calibrate: createCalibrationTask({
        library,
        searcher,
        ffmpeg,
        limits: queryLimits(settings),
        manifest,
        temporaryFolder: dataFolder.temporaryFolder,
        mediaPath: pathOfVideo,
      }),
      boilerplate: createBoilerplateTask({ library, index, modelId: manifest.id }),
      duplicates: createDuplicatesTask({ library, searcher }),
    },
    afterIngest: async (collection) => {
      const grown = { library, modelId: manifest.id };
      // First: what is everywhere would be no fair example of other footage.
      await findBoilerplateIfGrown(grown, collection);
      await calibrateIfGrown(grown, collection);
    },
    admission: new Admission({
      // One more than are decoded: while a video is stored, the next one is hashed.
      files: settings.decodes + 1,
      // As many as fill the processes, and as many again for those that end first: a process is not started for a few files.
      maxFiles: 2 * MAX_GROUP_FILES * settings.decodes,
      maxBytes: MAX_EARLY_BYTES,
    }),
    exclude: closed,
    mediaFolder: dataFolder.mediaFolder,
    modelId: manifest.id,
    room: new RoomWatch([
      dataFolder.root,
      dataFolder.vectorsFolder,
      dataFolder.mediaFolder,
      dataFolder.thumbnailsFolder,
    ]),
    onError: (error, job) => options.onJobError?.(error, job?.id ?? null),
  });

  return {
    dataFolder,
    closedFolders: closed,
    library,
    encoder,
    ffmpeg,
    searcher,
    watchEmbedder: new WatchEmbedder({ library, batcher, ffmpeg, limits: queryLimits(settings) }),
    jobs,
    index,
    opened: index.opened,
    indexSize: async () => (index.state === 'open' ? index.size() : null),
    readiness: () => readiness(library, dataFolder, index),
    removeVideo: (videoId) => removeVideo({ library, index, thumbnails }, videoId),
    thumbnail: async (videoId, atSeconds) => {
      const video = await requireVideo(library, videoId);
      const source = {
        mediaPath: () => mediaPath(library, video),
        isKept: async () => (await library.getVideo(videoId))?.contentHash === video.contentHash,
      };
      return thumbnails.get(video, source, atSeconds);
    },
    mediaPath: pathOfVideo,
    close: async () => {
      await jobs.stop();
      await keeper?.close();
      // The library has everything: without a snapshot only the next start takes longer.
      await index.saveSnapshot().catch((error: unknown) => {
        options.logger?.warn({ reason: errorMessageOf(error) }, 'The vector index could not be saved');
      });
      batcher.close();
      await index.close();
      await encoder.close();
      // Before the library, so that the last to close its file is the one that may tidy up.
      await aligner.close();
      await library.close();
    },
  };
}

/** A failure before anybody asks is not one that nobody handles. */
function awaitedLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

function tellingRecall(searcher: Searcher, keeper: RecallKeeper | null): Searcher {
  if (!keeper) return searcher;
  return {
    ...searcher,
    search: async (request) => ({
      ...(await searcher.search(request)),
      annRecall: keeper.liveRecall.recall,
    }),
  };
}

async function readiness(library: Library, dataFolder: DataFolder, index: DeferredIndex): Promise<Readiness> {
  if (index.state !== 'open') return { ready: false, reason: index.reason };
  try {
    await library.lastSequence();
    await access(dataFolder.databaseFile);
    return { ready: true };
  } catch (error) {
    return { ready: false, reason: `The library does not answer: ${(error as Error).message}` };
  }
}

async function removeVideo(
  { library, index, thumbnails }: { library: Library; index: SegmentIndex; thumbnails: Thumbnails },
  videoId: number,
): Promise<boolean> {
  const video = await library.getVideo(videoId);
  const removed = video && (await thumbnails.removeAround(video, () => library.removeVideo(videoId)));
  if (!removed) return false;
  // What replaced its content meanwhile has pictures of its own.
  if (removed.video.contentHash !== video.contentHash) await thumbnails.remove(removed.video);
  await index.catchUp();
  for (const owned of removed.ownedPaths) await rm(owned, { force: true });
  return true;
}

async function requireVideo(library: Library, videoId: number): Promise<Video> {
  const video = await library.getVideo(videoId);
  if (!video) throw new CliptraceError('VIDEO_NOT_FOUND', `There is no video ${videoId}`);
  return video;
}

/** Never another file than the one that was indexed: a link or a file of another kind may have taken its place since. */
async function mediaPath(library: Library, video: Video): Promise<string> {
  for (const file of await library.filesOf(video.id)) {
    const info = await stat(file.path).catch(() => null);
    const isSame = info?.isFile() === true && info.size === file.sizeBytes;
    // Another copy may still be there.
    if (isSame && (await looksLikeVideo(file.path))) return file.path;
  }
  throw new CliptraceError(
    'MEDIA_MISSING',
    `The file of video ${video.id} has been moved, changed or deleted: index its new place, or remove the video`,
  );
}
