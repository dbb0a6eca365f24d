import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { CliptraceError } from '../errors.js';
import type {
  EvaluationReport,
  EvaluationRequest,
  EvaluationSummary,
  StoredEvaluation,
} from '../evaluation/types.js';
import type { NumberMemory } from '../number-memory.js';
import type { BoilerplateReport } from '../search/boilerplate/types.js';
import type { Calibration } from '../search/calibration/types.js';
import type { Span } from '../span.js';
import type { DataFolder } from '../types.js';
import { ApiKeysTable } from './api-keys.js';
import { ArrivalsTable } from './arrivals.js';
import { BoilerplateTable } from './boilerplate.js';
import { CalibrationsTable } from './calibrations.js';
import { ChangesTable } from './changes.js';
import { CollectionsTable } from './collections.js';
import { checkDatabase, openDatabase, type SqliteDatabase, sqliteVersion } from './database.js';
import { DeliveriesTable } from './deliveries.js';
import { EvaluationsTable } from './evaluations.js';
import { FailedFilesTable } from './failed-files.js';
import { keepFromOthers } from './file-mode.js';
import { settleMoves } from './file-moves.js';
import { FilesTable } from './files.js';
import { type FolderLock, lockDataFolder } from './folder-lock.js';
import { GroupCommit } from './group-commit.js';
import { JobFilesTable } from './job-files.js';
import { JobResultsTable } from './job-results.js';
import { type JobChange, JobsTable } from './jobs.js';
import { createdAt, migrate, requireMigrated } from './migrations.js';
import { type ModelRegistration, ModelsTable } from './models.js';
import { joinVideo, removePlace, removeUnplacedVideo } from './place-of-video.js';
import { type PutVideoInput, putVideo } from './put-video.js';
import { SegmentBlocksTable } from './segment-blocks.js';
import { SegmentsTable } from './segments.js';
import { explaining } from './sqlite-errors.js';
import { StoredPaths } from './stored-paths.js';
import type * as types from './types.js';
import type { VideoFilter } from './video-filter.js';
import { VideoMetadataTable } from './video-metadata.js';
import { VideosTable } from './videos.js';
import { SqliteWatchStore } from './watch-store.js';
import type { WatchStore } from './watch-types.js';
import { WatchesTable } from './watches.js';

export interface OpenLibraryOptions {
  dataFolder: DataFolder;
  /**
   * `write` takes the folder lock and migrates; `read` does neither and sees what a writer has committed; `control` is
   * like `read`, but may change jobs, API keys and watches beside the writer.
   */
  mode: 'write' | 'read' | 'control';
}

export interface LibraryTables {
  readonly apiKeys: ApiKeysTable;
  readonly arrivals: ArrivalsTable;
  readonly blocks: SegmentBlocksTable;
  readonly boilerplate: BoilerplateTable;
  readonly calibrations: CalibrationsTable;
  readonly changes: ChangesTable;
  readonly collections: CollectionsTable;
  readonly deliveries: DeliveriesTable;
  readonly evaluations: EvaluationsTable;
  readonly failedFiles: FailedFilesTable;
  readonly files: FilesTable;
  readonly jobFiles: JobFilesTable;
  readonly jobResults: JobResultsTable;
  readonly jobs: JobsTable;
  readonly models: ModelsTable;
  readonly segments: SegmentsTable;
  readonly videoMetadata: VideoMetadataTable;
  readonly videos: VideosTable;
  readonly watches: WatchesTable;
}

/**
 * DATA_FOLDER_IN_USE (write), LIBRARY_NOT_FOUND (read), LIBRARY_DAMAGED, LIBRARY_TOO_NEW, MIGRATION_HISTORY,
 * MIGRATION_FAILED, DATA_FOLDER_NOT_WRITABLE, DISK_FULL.
 */
export async function openLibrary(options: OpenLibraryOptions): Promise<SqliteLibrary> {
  const { dataFolder, mode } = options;
  const file = dataFolder.databaseFile;
  const lock = mode === 'write' ? lockDataFolder(dataFolder) : null;
  let database: SqliteDatabase | undefined;
  try {
    if (mode === 'write') keepFromOthers(file);
    const opened = openDatabase(file, { readonly: mode === 'read', mustExist: mode !== 'write' });
    database = opened;
    explaining(file, () => (mode === 'write' ? void migrate(opened) : requireMigrated(opened)));
    return explaining(file, () => new SqliteLibrary(opened, file, lock));
  } catch (error) {
    database?.close();
    lock?.release();
    throw error;
  }
}

/** The library in one SQLite file. Statements run in the calling thread; the longest is `putVideo`. */
export class SqliteLibrary implements types.Library {
  readonly watches: WatchStore;
  readonly #database: SqliteDatabase;
  readonly #file: string;
  readonly #lock: FolderLock | null;
  readonly #tables: LibraryTables;
  readonly #writes: GroupCommit;

  /** `database` is migrated. */
  constructor(database: SqliteDatabase, file: string, lock: FolderLock | null) {
    this.#database = database;
    this.#file = file;
    this.#lock = lock;
    const paths = new StoredPaths(dirname(file));
    // Filters ask for paths as they lie on disk.
    database.function('path_on_disk', { deterministic: true }, (stored) =>
      paths.fromStored(stored as string),
    );
    this.#writes = new GroupCommit(database, (work) => explaining(file, work));
    this.#tables = {
      apiKeys: new ApiKeysTable(database),
      arrivals: new ArrivalsTable(database),
      blocks: new SegmentBlocksTable(database),
      boilerplate: new BoilerplateTable(database),
      calibrations: new CalibrationsTable(database),
      changes: new ChangesTable(database),
      collections: new CollectionsTable(database),
      deliveries: new DeliveriesTable(database),
      evaluations: new EvaluationsTable(database),
      failedFiles: new FailedFilesTable(database),
      files: new FilesTable(database, paths),
      jobFiles: new JobFilesTable(database),
      jobResults: new JobResultsTable(database),
      jobs: new JobsTable(database, paths),
      models: new ModelsTable(database),
      segments: new SegmentsTable(database),
      videoMetadata: new VideoMetadataTable(database),
      videos: new VideosTable(database),
      watches: new WatchesTable(database, paths),
    };
    const absolute = lock === null ? [] : this.#read(({ files }) => files.absoluteBelow(dirname(file)));
    if (absolute.length > 0) this.#write(({ files }) => files.makeRelative(absolute));
    this.watches = new SqliteWatchStore({
      read: (work) => this.#read(work),
      write: (work) => this.#write(work),
    });
  }

  async putVideo(input: PutVideoInput): Promise<types.Video> {
    return this.#writes.write(() => putVideo(this.#tables, input));
  }

  async getVideo(id: number): Promise<types.Video | null> {
    return this.#read((tables) => tables.videos.get(id));
  }

  async findVideos(ids: readonly number[]): Promise<Map<number, types.Video>> {
    return this.#read((tables) => tables.videos.findMany(ids));
  }

  async listVideos(query: types.VideoQuery): Promise<types.VideoPage> {
    return this.#snapshot((tables) => tables.videos.list(query));
  }

  async countVideos(filter: VideoFilter, atMost: number): Promise<number> {
    return this.#read((tables) => tables.videos.count(filter, atMost));
  }

  async findVideoByContent(collection: string, contentHash: string): Promise<types.Video | null> {
    return this.#snapshot(({ collections, videos }) => {
      const collectionId = collections.find(collection);
      const id = collectionId === null ? null : videos.findByContent(collectionId, contentHash);
      return id === null ? null : videos.get(id);
    });
  }

  async removeVideo(id: number): Promise<{ video: types.Video; ownedPaths: string[] } | null> {
    return this.#write(({ collections, files, videos }) => {
      const video = videos.get(id);
      if (video === null) return null;
      const owned = files.ofVideo(id).filter((file) => file.owned);
      videos.remove(id);
      collections.removeIfEmpty(collections.find(video.collection) as number);
      return { video, ownedPaths: owned.map((file) => file.path) };
    });
  }

  async metadataOf(videoIds: readonly number[]): Promise<Map<number, types.VideoMetadata>> {
    return this.#read((tables) => tables.videoMetadata.of(videoIds));
  }

  async putMetadata(videoId: number, metadata: types.VideoMetadata): Promise<void> {
    this.#write(({ videoMetadata, videos }) => {
      if (videos.get(videoId) === null) {
        throw new CliptraceError('VIDEO_NOT_FOUND', `There is no video ${videoId}.`, {
          details: { videoId },
        });
      }
      videoMetadata.merge(videoId, metadata);
    });
  }

  async updateVideo(id: number, change: { title?: string; label?: string | null }): Promise<void> {
    this.#write(({ videos }) => {
      if (videos.get(id) === null) {
        throw new CliptraceError('VIDEO_NOT_FOUND', `There is no video ${id}.`, { details: { videoId: id } });
      }
      videos.change(id, change);
    });
  }

  async findFile(collection: string, path: string): Promise<types.VideoFile | null> {
    return this.#read((tables) => tables.files.find(collection, path));
  }

  async filesOf(videoId: number): Promise<types.VideoFile[]> {
    return this.#read((tables) => tables.files.ofVideo(videoId));
  }

  async filesBelow(collection: string, root: string): Promise<types.VideoFile[]> {
    return this.#read((tables) => tables.files.below(collection, root));
  }

  async ownedFiles(): Promise<types.VideoFile[]> {
    return this.#read((tables) => tables.files.owned());
  }

  /** VIDEO_NOT_FOUND unless the video exists in the file's collection. */
  async putFile(file: types.VideoFile): Promise<void> {
    this.#write(({ collections, files, videos }) => {
      if (videos.get(file.videoId)?.collection !== file.collection) {
        throw new CliptraceError(
          'VIDEO_NOT_FOUND',
          `There is no video ${file.videoId} in ${file.collection}.`,
          {
            details: { videoId: file.videoId, collection: file.collection },
          },
        );
      }
      files.put(collections.find(file.collection) as number, file);
    });
  }

  async moveFiles(
    moves: readonly types.FileMove[],
    options: { dryRun: boolean } = { dryRun: false },
  ): Promise<{ moved: number; taken: types.FileMove[] }> {
    const work = ({ collections, files }: LibraryTables) => {
      const { free, taken } = settleMoves(moves, (collection, path) => files.find(collection, path));
      if (!options.dryRun) {
        // First all of the old places: they are new places of others.
        for (const { file } of free) files.remove(file.collection, file.path);
        for (const { file, path, modifiedMs, device = null } of free) {
          files.put(collections.find(file.collection) as number, { ...file, path, modifiedMs, device });
        }
      }
      return { moved: free.length, taken };
    };
    return options.dryRun ? this.#snapshot(work) : this.#write(work);
  }

  async noteDevices(
    collection: string,
    seen: readonly { path: string; device: string | null }[],
  ): Promise<void> {
    // Searches go on between two parts of a large archive.
    for (let at = 0; at < seen.length; at += FILES_PER_TRANSACTION) {
      this.#write(({ files }) => {
        for (const { path, device } of seen.slice(at, at + FILES_PER_TRANSACTION)) {
          if (device !== null) files.noteDevice(collection, path, device);
        }
      });
      await setImmediate();
    }
  }

  async joinVideo(input: Parameters<types.Library['joinVideo']>[0]) {
    return this.#write((tables) => joinVideo(tables, input));
  }

  async removePlace(seen: types.VideoFile): Promise<boolean> {
    return this.#write((tables) => removePlace(tables, seen));
  }

  async unplacedVideos(collection: string): Promise<types.Video[]> {
    return this.#read((tables) => tables.videos.unplaced(collection));
  }

  async removeUnplacedVideo(id: number): Promise<boolean> {
    return this.#write((tables) => removeUnplacedVideo(tables, id));
  }

  async listCollections(): Promise<types.Collection[]> {
    return this.#read((tables) => tables.collections.list());
  }

  async findSegments(ids: readonly number[]): Promise<Map<number, types.Segment>> {
    return this.#read((tables) => tables.segments.find(ids));
  }

  async allowedSegments(ids: readonly number[], filter: types.SegmentFilter): Promise<number[]> {
    return this.#read((tables) => tables.segments.allowed(ids, filter));
  }

  async segmentsOf(videoId: number, modelId: string, within?: Span): Promise<types.SegmentFeatures[]> {
    return this.#snapshot(({ blocks, models, segments }) => {
      const model = models.require(modelId);
      const found = segments.ofVideo(videoId, model, within);
      const ids = found.map((segment) => segment.id);
      const timesteps = blocks.timestepsOf(videoId, model, ids);
      return found.map((segment) => ({ ...segment, timesteps: timesteps.get(segment.id) as Float32Array }));
    });
  }

  async tracksOf(
    modelId: string,
    stretches: readonly types.VideoStretch[],
    memory?: NumberMemory,
  ): Promise<types.SegmentTrack[]> {
    return this.#snapshot(({ blocks, models, segments }) => {
      const model = models.require(modelId);
      return stretches.map(({ videoId, within }) => {
        const { ids, startsSeconds, weights } = segments.placesOf(videoId, model, within);
        return { startsSeconds, weights, timesteps: blocks.joinedTimestepsOf(videoId, model, ids, memory) };
      });
    });
  }

  async hasSegments(videoId: number, modelId: string): Promise<boolean> {
    return this.#read(({ blocks, models }) => {
      const model = models.find(modelId);
      return model !== null && blocks.hasAny(videoId, model);
    });
  }

  async embeddingsOf(videoId: number, modelId: string): Promise<types.SegmentVectors> {
    return this.#snapshot(({ blocks, models, segments }) => {
      const found = segments.ofVideo(videoId, models.require(modelId));
      return blocks.embeddingsOf(found.map((segment) => segment.id));
    });
  }

  async countSegments(modelId: string, filter: types.SegmentFilter = {}): Promise<number> {
    return this.#read(({ blocks, models }) => {
      const model = models.find(modelId);
      return model === null ? 0 : blocks.count(model, filter);
    });
  }

  async countSegmentsOf(modelId: string, videoIds: readonly number[]): Promise<number> {
    return this.#read(({ blocks, models }) => {
      const model = models.find(modelId);
      return model === null ? 0 : blocks.countOf(videoIds, model);
    });
  }

  async readVectors(
    modelId: string,
    afterId: number,
    limit: number,
    filter: types.SegmentFilter = {},
  ): Promise<types.SegmentVectors> {
    return this.#read(({ blocks, models }) => {
      const model = models.find(modelId);
      return model === null ? NO_VECTORS : blocks.page(model, afterId, limit, filter);
    });
  }

  async changesAfter(modelId: string, afterSequence: number, limit: number): Promise<types.SegmentChange[]> {
    return this.#read(({ changes, models }) => {
      const model = models.find(modelId);
      return model === null ? [] : changes.after(model.key, afterSequence, limit);
    });
  }

  async createdAt(): Promise<Date> {
    return this.#read(() => createdAt(this.#database));
  }

  async lastSequence(): Promise<number> {
    return this.#read((tables) => tables.changes.lastSequence());
  }

  async changeMark(sequence: number): Promise<number | null> {
    return this.#read((tables) => tables.changes.mark(sequence));
  }

  async vectorsOf(ids: readonly number[]): Promise<types.SegmentVectors> {
    return this.#read((tables) => tables.blocks.embeddingsOf(ids));
  }

  async createJob(request: types.JobRequest): Promise<types.Job> {
    return this.#write((tables) => tables.jobs.create(request));
  }

  async getJob(id: number): Promise<types.Job | null> {
    return this.#read((tables) => tables.jobs.get(id));
  }

  async jobState(id: number): Promise<types.JobState | null> {
    return this.#read((tables) => tables.jobs.state(id));
  }

  async listJobs(limit: number, collections?: readonly string[]): Promise<types.Job[]> {
    return this.#read((tables) => tables.jobs.list(limit, collections ?? null));
  }

  async pendingJobs(): Promise<types.Job[]> {
    return this.#read((tables) => tables.jobs.pending());
  }

  async resumableUploads(): Promise<types.Job[]> {
    return this.#read((tables) => tables.jobs.resumableUploads());
  }

  async jobsStoppedForRoom(): Promise<types.Job[]> {
    return this.#read((tables) => tables.jobs.stoppedForRoom());
  }

  async hasQueuedJob(): Promise<boolean> {
    return this.#read((tables) => tables.jobs.hasQueued());
  }

  async updateJob(id: number, change: JobChange): Promise<void> {
    this.#write((tables) => void tables.jobs.update(id, change));
  }

  async claimJob(): Promise<types.Job | null> {
    return this.#write((tables) => tables.jobs.claim());
  }

  async controlJob(id: number, command: types.JobCommand): Promise<types.Job> {
    return this.#write((tables) => tables.jobs.control(id, command));
  }

  async settleJob(id: number): Promise<types.Job> {
    return this.#write((tables) => tables.jobs.settle(id));
  }

  async requeueInterrupted(): Promise<number> {
    return this.#write((tables) => tables.jobs.settleAll());
  }

  async putJobFile(jobId: number, file: types.JobFile, eventNumber: number): Promise<void> {
    const { failedFiles, jobs, jobFiles } = this.#tables;
    await this.#writes.write(() => {
      const collection = jobs.indexedCollection(jobId);
      jobFiles.put(jobId, file, eventNumber);
      if (collection !== null) failedFiles.note(collection, file);
    });
  }

  async jobFile(jobId: number, path: string): Promise<types.JobFile | null> {
    return this.#read((tables) => tables.jobFiles.get(jobId, path));
  }

  async jobFiles(jobId: number, outcome?: types.FileOutcome): Promise<types.JobFile[]> {
    return this.#read((tables) => tables.jobFiles.list(jobId, outcome ?? null));
  }

  async jobFilesAfter(jobId: number, afterEvent: number, limit: number): Promise<types.NumberedJobFile[]> {
    return this.#read((tables) => tables.jobFiles.after(jobId, afterEvent, limit));
  }

  async createEvaluation(request: EvaluationRequest): Promise<types.Job> {
    const { protocol, collection } = request;
    return this.#write(({ evaluations, jobs }) => {
      const job = jobs.create({ type: 'evaluate', protocol, collection });
      evaluations.create(job.id, request);
      return job;
    });
  }

  async getEvaluation(id: number): Promise<StoredEvaluation | null> {
    return this.#read((tables) => tables.evaluations.get(id));
  }

  async listEvaluations(
    limit: number,
    collections?: readonly string[],
  ): Promise<{ id: number; summary: EvaluationSummary | null }[]> {
    return this.#read((tables) => tables.evaluations.list(limit, collections ?? null));
  }

  async finishEvaluation(id: number, report: EvaluationReport, summary: EvaluationSummary): Promise<void> {
    this.#write((tables) => tables.evaluations.finish(id, report, summary));
  }

  async getCalibration(collection: string, modelId: string): Promise<Calibration | null> {
    return this.#read(({ calibrations, models }) => {
      const model = models.find(modelId);
      return model === null ? null : calibrations.get(collection, model);
    });
  }

  /** COLLECTION_NOT_FOUND when it lost its last video meanwhile. */
  async putCalibration(collection: string, calibration: Calibration): Promise<void> {
    this.#write(({ calibrations, collections, models }) => {
      calibrations.put(collections.require(collection), models.require(calibration.modelId), calibration);
    });
  }

  async getBoilerplate(collection: string, modelId: string): Promise<BoilerplateReport | null> {
    return this.#read(({ boilerplate, models }) => {
      const model = models.find(modelId);
      return model === null ? null : boilerplate.report(collection, model);
    });
  }

  /** COLLECTION_NOT_FOUND when it lost its last video meanwhile. */
  async putBoilerplate(
    collection: string,
    found: Parameters<types.Library['putBoilerplate']>[1],
  ): Promise<void> {
    this.#write(({ boilerplate, collections, models }) => {
      boilerplate.replace(collections.require(collection), models.require(found.report.modelId), found);
    });
  }

  async getJobResult(jobId: number): Promise<unknown> {
    return this.#read((tables) => tables.jobResults.get(jobId));
  }

  async putJobResult(jobId: number, result: unknown): Promise<void> {
    this.#write((tables) => tables.jobResults.put(jobId, result));
  }

  async failedFilesBelow(collection: string, root: string): Promise<string[]> {
    return this.#read((tables) => tables.failedFiles.below(collection, root));
  }

  async registerModel(model: ModelRegistration): Promise<void> {
    this.#write((tables) => tables.models.register(model));
  }

  async createApiKey(key: types.ApiKeyInput): Promise<types.ApiKey> {
    return this.#write((tables) => tables.apiKeys.insert(key));
  }

  async findApiKey(publicId: string): Promise<types.ApiKey | null> {
    return this.#read((tables) => tables.apiKeys.find(publicId));
  }

  async listApiKeys(): Promise<types.ApiKey[]> {
    return this.#read((tables) => tables.apiKeys.list());
  }

  async revokeApiKey(publicId: string): Promise<types.ApiKey | null> {
    return this.#write((tables) => tables.apiKeys.revoke(publicId));
  }

  async touchApiKey(publicId: string): Promise<void> {
    this.#write((tables) => tables.apiKeys.touch(publicId));
  }

  async staleVideos(modelId: string): Promise<number[]> {
    return this.#read((tables) => tables.models.staleVideos(modelId));
  }

  async unusedModels(): Promise<string[]> {
    return this.#read((tables) => tables.models.unused());
  }

  /** What SQLite finds wrong with the file; empty when it is sound. Blocks while it reads the whole file. */
  async check(thorough = false): Promise<string[]> {
    return explaining(this.#file, () => checkDatabase(this.#database, thorough));
  }

  sqliteVersion(): string {
    return sqliteVersion(this.#database);
  }

  async close(): Promise<void> {
    if (!this.#database.open) return;
    this.#writes.flush();
    this.#database.close();
    this.#lock?.release();
  }

  #read<T>(work: (tables: LibraryTables) => T): T {
    return explaining(this.#file, () => work(this.#tables));
  }

  /** Several reads of one state, though another process may write. */
  #snapshot<T>(work: (tables: LibraryTables) => T): T {
    return this.#read((tables) => this.#database.transaction(() => work(tables)).deferred());
  }

  #write<T>(work: (tables: LibraryTables) => T): T {
    return this.#read((tables) => this.#database.transaction(() => work(tables)).immediate());
  }
}

const FILES_PER_TRANSACTION = 1000;
const NO_VECTORS: types.SegmentVectors = { ids: [], vectors: new Float32Array() };
