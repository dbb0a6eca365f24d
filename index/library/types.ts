import type { Scope } from '../access/scopes.js';
import type {
  EvaluationReport,
  EvaluationRequest,
  EvaluationSummary,
  Protocol,
  StoredEvaluation,
} from '../evaluation/types.js';
import type { PlainKind } from '../media/plain-kinds.js';
import type { NumberMemory } from '../number-memory.js';
import type { BoilerplateKind, BoilerplateReport, BoilerplateSegment } from '../search/boilerplate/types.js';
import type { Calibration } from '../search/calibration/types.js';
import type { Span } from '../span.js';
import type { VideoFilter } from './video-filter.js';
import type { WatchStore } from './watch-types.js';

export interface Collection {
  id: number;
  name: string;
  videoCount: number;
}

export interface VideoInput {
  collection: string;
  title: string;
  label: string | null;
  contentHash: string;
  sizeBytes: number;
  durationSeconds: number;
  width: number;
  height: number;
  framesPerSecond: number | null;
  codec: string;
  container: string;
  hasAudio: boolean;
  /** True when the decoder met errors midway; what could be decoded is indexed. */
  damaged: boolean;
}

/** A file of the archive that was embedded. Identity: the SHA-256 of its content within its collection. */
export interface Video extends VideoInput {
  id: number;
  segmentCount: number;
  /** ISO 8601, UTC. */
  addedAt: string;
  updatedAt: string;
}

/** What was told of a video at ingest: text by key. */
export type VideoMetadata = Readonly<Record<string, string>>;

/** A place where a video's file lies. Several copies may share one video. */
export interface VideoFile {
  path: string;
  videoId: number;
  collection: string;
  sizeBytes: number;
  /** Modification time in milliseconds, with the fraction that the file system gives. */
  modifiedMs: number;
  /** Where its folder lay when it was last seen there (st_dev, decimal); null where that was not noted. */
  device?: string | null;
  /** True for uploads, which live in the data folder and go with their video. */
  owned: boolean;
}

/** A file that lies elsewhere now. */
export interface FileMove {
  file: VideoFile;
  path: string;
  /** Of the file where it lies now. */
  modifiedMs: number;
  device?: string | null;
}

/** Segments of one video, in order of time. */
export interface SegmentBatch {
  spans: Span[];
  /** [spans.length, dimension] */
  embeddings: Float32Array;
  /** [spans.length, timesteps, dimension] */
  timesteps: Float32Array;
  /** Of each segment, what its pixels showed where that is hardly anything; [spans.length]. Nothing is known of it when absent. */
  plain?: (PlainKind | null)[] | undefined;
}

export interface Segment extends Span {
  id: number;
  videoId: number;
  /** Null for footage that tells where a clip comes from. */
  boilerplate: BoilerplateKind | null;
  /** What a second of it counts for in a match: 1, less for boilerplate. */
  weight: number;
}

export interface SegmentFeatures extends Segment {
  /** [timesteps, dimension] */
  timesteps: Float32Array;
}

/** Segments of a stretch of a video, in order of time. */
export interface SegmentTrack {
  startsSeconds: Float64Array;
  /** What a second of each counts for in a match: 1, less for boilerplate. */
  weights: Float64Array;
  /** [segments, timesteps, dimension] */
  timesteps: Float32Array;
}

export interface VideoStretch {
  videoId: number;
  /** Segments that overlap it are meant. */
  within: Span;
}

export interface VideoQuery extends VideoFilter {
  /** Substring of title or file name, case-insensitive. */
  q?: string | undefined;
  limit: number;
  /** From the previous page. */
  cursor?: string | undefined;
}

export interface VideoPage {
  videos: Video[];
  nextCursor: string | null;
  totalCount: number;
}

/** One line of the change log that the vector index follows. */
export interface SegmentChange {
  sequence: number;
  segmentId: number;
  kind: 'added' | 'removed';
}

export interface SegmentVectors {
  ids: number[];
  /** [ids.length, dimension] */
  vectors: Float32Array;
}

export type JobStatus = 'queued' | 'running' | 'paused' | 'done' | 'failed' | 'cancelled';

/** What a person may ask of a job. */
export type JobCommand = 'pause' | 'resume' | 'cancel';

export type JobRequest =
  | {
      type: 'index';
      paths: string[];
      collection: string;
      labelFrom: 'folder' | null;
      prune: boolean;
      /** Told of every video. */
      metadata?: VideoMetadata;
      /** Only files below the paths that failed when they were last tried. */
      retryFailed?: boolean;
      /** The paths are what changed below these folders: a path that is gone while its folder is there was deleted. */
      roots?: string[];
    }
  | {
      type: 'upload';
      /** In the data folder. */
      path: string;
      collection: string;
      title: string;
      label: string | null;
      metadata?: VideoMetadata;
    }
  | {
      /** What it is asked at length stands with the evaluation, which has the id of the job. */
      type: 'evaluate';
      protocol: Protocol;
      /** Null: the whole library. */
      collection: string | null;
    }
  | {
      /** Fits the scores of a collection anew, on edits of its own videos. */
      type: 'calibrate';
      collection: string;
      queryCount: number;
      seed: number;
    }
  | {
      /** Looks for what stands in many videos of a collection. */
      type: 'boilerplate';
      collection: string;
    }
  | {
      /** Lists the groups of near-duplicates. */
      type: 'duplicates';
      /** Null: the whole library. */
      collection: string | null;
      minScore: number;
    };

export interface JobProgress {
  filesTotal: number | null;
  filesDone: number;
  filesSkipped: number;
  filesFailed: number;
  /** Files that are no videos, by content and by name; not part of the total. */
  filesOther: number;
  segments: number;
  /** Seconds of video that were embedded. */
  videoSeconds: number;
  /** Seconds of video in all files, and in those that are dealt with, whether they had to be embedded or not. */
  durationTotalSeconds: number | null;
  durationDoneSeconds: number;
  /** True while the length of some file is only guessed from its bytes. */
  durationIsEstimate: boolean;
  bytesTotal: number | null;
  bytesDone: number;
  /** From the seconds of video that are left and the speed of the last minute. */
  etaSeconds: number | null;
  /** The file that was begun last. */
  currentFile: string | null;
  filesInHand: FileInHand[];
  /** Of an evaluation; null for other jobs and until it is known. */
  queriesTotal: number | null;
  queriesDone: number;
}

/** A file that is being embedded. */
export interface FileInHand {
  path: string;
  doneSeconds: number;
  /** As its header says; null until that was read, or when it does not say. */
  durationSeconds: number | null;
  /** Its share of the job's `segments` and `bytesDone`. */
  segments: number;
  bytesDone: number;
}

export type FileOutcome =
  | 'indexed'
  | 'updated'
  | 'unchanged'
  | 'moved'
  | 'duplicate'
  | 'failed'
  /** Nothing that can be opened as a video, and nothing that claims to be one: a pipe, a link that leads back. */
  | 'skipped'
  | 'missing'
  | 'pruned';

export interface JobFile {
  path: string;
  outcome: FileOutcome;
  videoId: number | null;
  code: string | null;
  message: string | null;
}

export interface NumberedJobFile extends JobFile {
  eventNumber: number;
}

export interface Job {
  id: number;
  request: JobRequest;
  status: JobStatus;
  /** What was asked of the process that runs the job, until it has done so; null unless status is `running`. */
  wanted: 'pause' | 'cancel' | null;
  progress: JobProgress;
  /** Number of the last event about the job; of a running job as the library holds it: of the last one reserved. */
  lastEvent: number;
  /** Why it failed; null unless status is `failed`. */
  error: { code: string; message: string } | null;
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
}

/** What may change of a job whoever works on it. */
export type JobState = Pick<Job, 'status' | 'wanted' | 'lastEvent'>;

export interface ApiKeyInput {
  /** The part of the key that may be shown. */
  publicId: string;
  name: string;
  secretSha256: Buffer;
  scopes: readonly Scope[];
  /** Null: good for all. */
  collections: readonly string[] | null;
}

export interface ApiKey extends ApiKeyInput {
  id: number;
  createdAt: string;
  /** To within a minute; null when it never was. */
  lastUsedAt: string | null;
  revokedAt: string | null;
}

/** The truth. Asynchronous and free of SQL, so that another store can stand behind it. */
export interface Library {
  /** Clips that are watched for. */
  readonly watches: WatchStore;

  /**
   * Writes video, file, segments and features in one transaction. The video with `replaceVideoId` keeps its id and loses its old segments, unless
   * its old content lies elsewhere by now: then the new one is a video of its own. Without a label: that of the video as it was, if any.
   */
  putVideo(input: {
    video: Omit<VideoInput, 'label'> & { label?: string | null | undefined };
    file: Omit<VideoFile, 'videoId' | 'collection'>;
    modelId: string;
    segments: SegmentBatch;
    replaceVideoId?: number | undefined;
  }): Promise<Video>;
  getVideo(id: number): Promise<Video | null>;
  findVideos(ids: readonly number[]): Promise<Map<number, Video>>;
  listVideos(query: VideoQuery): Promise<VideoPage>;
  /** Videos that a filter allows; counting ends at `atMost`. */
  countVideos(filter: VideoFilter, atMost: number): Promise<number>;
  findVideoByContent(collection: string, contentHash: string): Promise<Video | null>;
  /** Segments, features and file rows go with it, in one transaction. Returns the video as it was and the files that the data folder owned (for the caller to delete). */
  removeVideo(id: number): Promise<{ video: Video; ownedPaths: string[] } | null>;
  /** Of those videos that have any. */
  metadataOf(videoIds: readonly number[]): Promise<Map<number, VideoMetadata>>;
  /** Adds keys and replaces their values; other keys stay. VIDEO_NOT_FOUND. */
  putMetadata(videoId: number, metadata: VideoMetadata): Promise<void>;
  /** Changes title or label where given. */
  updateVideo(id: number, change: { title?: string; label?: string | null }): Promise<void>;

  findFile(collection: string, path: string): Promise<VideoFile | null>;
  filesOf(videoId: number): Promise<VideoFile[]>;
  /** Files of a collection whose path is `root` or lies below it. */
  filesBelow(collection: string, root: string): Promise<VideoFile[]>;
  /** Files that the data folder owns, of all collections. */
  ownedFiles(): Promise<VideoFile[]>;
  /** Adds or updates. */
  putFile(file: VideoFile): Promise<void>;
  /**
   * Notes that a file has the content of a video, and that places of it which were seen before (`left`) have it no longer, in one transaction.
   * Null when no video of the collection has that content in segments of that model.
   */
  joinVideo(input: {
    file: Omit<VideoFile, 'videoId'>;
    contentHash: string;
    modelId: string;
    left: readonly VideoFile[];
  }): Promise<{
    video: Video;
    /** Its places before that. */
    before: VideoFile[];
    /** Of those in `left`, what has been removed. */
    left: VideoFile[];
    /** The video that has no place any more, because this was its last. */
    unplacedVideoId: number | null;
  } | null>;
  /** Notes that files lie elsewhere, in one transaction. A place that another video has and does not leave by these moves is not taken. */
  moveFiles(
    moves: readonly FileMove[],
    options?: { dryRun: boolean },
  ): Promise<{ moved: number; taken: FileMove[] }>;
  /** Notes on which devices files were seen; those that the library does not know are passed over. */
  noteDevices(collection: string, files: readonly { path: string; device: string | null }[]): Promise<void>;
  /** Removes the place, not the video, if it still is as it was seen; whether it was. */
  removePlace(seen: VideoFile): Promise<boolean>;
  /** Videos of a collection that no file has any more. */
  unplacedVideos(collection: string): Promise<Video[]>;
  /** `removeVideo`, if no file has it: whether that was so. */
  removeUnplacedVideo(id: number): Promise<boolean>;

  listCollections(): Promise<Collection[]>;

  findSegments(ids: readonly number[]): Promise<Map<number, Segment>>;
  /** In order of time; with `within`, only those that overlap it. */
  segmentsOf(videoId: number, modelId: string, within?: Span): Promise<SegmentFeatures[]>;
  /** The same for many stretches at once, and only what an alignment needs, features in `memory` where some is given; in the order asked for. */
  tracksOf(
    modelId: string,
    stretches: readonly VideoStretch[],
    memory?: NumberMemory,
  ): Promise<SegmentTrack[]>;
  /** True when the video was embedded by this model. */
  hasSegments(videoId: number, modelId: string): Promise<boolean>;
  /** Embeddings of one video's segments, in order of time. */
  embeddingsOf(videoId: number, modelId: string): Promise<SegmentVectors>;
  /** Count of segments that a filter allows; everything when the filter is empty. */
  countSegments(modelId: string, filter?: SegmentFilter): Promise<number>;
  /** Of these videos. */
  countSegmentsOf(modelId: string, videoIds: readonly number[]): Promise<number>;
  /** Those of the ids that exist and that the filter allows, in the order given. */
  allowedSegments(ids: readonly number[], filter: SegmentFilter): Promise<number[]>;
  /** Ids and embeddings with id > afterId, ascending; empty when there are no more. */
  readVectors(
    modelId: string,
    afterId: number,
    limit: number,
    filter?: SegmentFilter,
  ): Promise<SegmentVectors>;

  /** Changes with sequence > afterSequence, ascending. Only the last change of a segment need be told. */
  changesAfter(modelId: string, afterSequence: number, limit: number): Promise<SegmentChange[]>;
  lastSequence(): Promise<number>;
  /** When the library was made, by the clock of that machine; a copy and a restored backup keep it. */
  createdAt(): Promise<Date>;
  /** A random number that was drawn with this change; null when there is no such change. Tells two histories apart. */
  changeMark(sequence: number): Promise<number | null>;
  /** Embeddings by segment id; ids that no longer exist are left out. */
  vectorsOf(ids: readonly number[]): Promise<SegmentVectors>;

  createJob(request: JobRequest): Promise<Job>;
  getJob(id: number): Promise<Job | null>;
  /** For who looks again and again: what was asked of the job may be long. */
  jobState(id: number): Promise<JobState | null>;
  /** Newest first; with `collections`, only jobs that work on one of these. */
  listJobs(limit: number, collections?: readonly string[]): Promise<Job[]>;
  /** Those that have not ended (queued, running, paused), oldest first. */
  pendingJobs(): Promise<Job[]>;
  /** Upload jobs that failed for a cause that can go away; their files are kept. */
  resumableUploads(): Promise<Job[]>;
  /** Jobs that failed with DISK_FULL and were not asked for again since, oldest first. */
  jobsStoppedForRoom(): Promise<Job[]>;
  /** True when a job waits for its turn. */
  hasQueuedJob(): Promise<boolean>;
  updateJob(
    id: number,
    change: Partial<Pick<Job, 'status' | 'progress' | 'lastEvent' | 'error' | 'startedAt' | 'endedAt'>>,
  ): Promise<void>;
  /** The oldest queued job becomes running. */
  claimJob(): Promise<Job | null>;
  /**
   * Does what can be done at once, and notes for the process that runs a job what it is to do (`wanted`). Asking for what
   * is so already changes nothing. A failed job can be resumed, an upload when nothing was wrong with its file; one that failed
   * with DISK_FULL can be cancelled. JOB_NOT_FOUND, JOB_ALREADY_ENDED.
   */
  controlJob(id: number, command: JobCommand): Promise<Job>;
  /** A running job that was broken off becomes what was asked for: paused, cancelled, or else queued again. */
  settleJob(id: number): Promise<Job>;
  /** After a crash: running jobs are settled. Returns how many. */
  requeueInterrupted(): Promise<number>;
  /** `eventNumber` is that of the event that tells of the file; a file that is told of again takes the new number. */
  putJobFile(jobId: number, file: JobFile, eventNumber: number): Promise<void>;
  jobFile(jobId: number, path: string): Promise<JobFile | null>;
  /** In the order of their events. */
  jobFiles(jobId: number, outcome?: FileOutcome): Promise<JobFile[]>;
  /** Files whose event has a number > afterEvent, ascending. */
  jobFilesAfter(jobId: number, afterEvent: number, limit: number): Promise<NumberedJobFile[]>;

  /** Queues an evaluation as a job; both have the same id. */
  createEvaluation(request: EvaluationRequest): Promise<Job>;
  getEvaluation(id: number): Promise<StoredEvaluation | null>;
  /** Newest first, of these collections only when they are named; the summary is null until the evaluation is done. */
  listEvaluations(
    limit: number,
    collections?: readonly string[],
  ): Promise<{ id: number; summary: EvaluationSummary | null }[]>;
  finishEvaluation(id: number, report: EvaluationReport, summary: EvaluationSummary): Promise<void>;

  /** Null where what came with the model holds. */
  getCalibration(collection: string, modelId: string): Promise<Calibration | null>;
  /** Replaces the one of its model. COLLECTION_NOT_FOUND. */
  putCalibration(collection: string, calibration: Calibration): Promise<void>;

  /** What the last look for boilerplate found; null before the first. */
  getBoilerplate(collection: string, modelId: string): Promise<BoilerplateReport | null>;
  /** Replaces what is known of all segments up to `lastSegmentId`. COLLECTION_NOT_FOUND. */
  putBoilerplate(
    collection: string,
    found: { report: BoilerplateReport; segments: readonly BoilerplateSegment[]; lastSegmentId: number },
  ): Promise<void>;

  /** What a job found; null when it has found nothing (yet). */
  getJobResult(jobId: number): Promise<unknown>;
  putJobResult(jobId: number, result: unknown): Promise<void>;

  /** Paths at or below `root` that failed when an index job of the collection last tried them. */
  failedFilesBelow(collection: string, root: string): Promise<string[]>;

  registerModel(model: {
    id: string;
    dimension: number;
    timesteps: number;
    manifestJson: string;
  }): Promise<void>;
  /** Models that no video is embedded by: one that was just registered, or all of whose videos another has embedded since. */
  unusedModels(): Promise<string[]>;
  /** Videos that were not embedded by this model. */
  staleVideos(modelId: string): Promise<number[]>;

  createApiKey(key: ApiKeyInput): Promise<ApiKey>;
  /** Revoked ones too. */
  findApiKey(publicId: string): Promise<ApiKey | null>;
  /** Oldest first, revoked ones too. */
  listApiKeys(): Promise<ApiKey[]>;
  /** The key as it is then; null when there is none. Revoking a revoked key changes nothing. */
  revokeApiKey(publicId: string): Promise<ApiKey | null>;
  /** Notes that the key was used now. */
  touchApiKey(publicId: string): Promise<void>;

  close(): Promise<void>;
}

export interface SegmentFilter extends VideoFilter {
  excludeVideoIds?: readonly number[] | undefined;
}
