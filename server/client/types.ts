import type { z } from 'zod';
import type { boilerplateQuery, createBoilerplateBody } from '../schemas/boilerplate.js';
import type { createDuplicatesBody } from '../schemas/duplicates.js';
import type { listEvaluationsQuery } from '../schemas/evaluations.js';
import type { listJobsQuery } from '../schemas/jobs.js';
import type { searchByVideo, searchFields, similarQuery } from '../schemas/search.js';
import type { listVideosQuery, uploadVideoFields } from '../schemas/videos.js';
import type {
  createWatchBody,
  createWatchFields,
  listDeliveriesQuery,
  listWatchesQuery,
  updateWatchBody,
} from '../schemas/watches.js';

// The types of the interface are made from the schemas that the server validates with.
export type { AccessJson as Access } from '../schemas/access.js';
export type { BoilerplateListJson as BoilerplateList } from '../schemas/boilerplate.js';
export type { DuplicatesJson as Duplicates } from '../schemas/duplicates.js';
export type {
  CreateEvaluationJson as CreateEvaluation,
  EvaluationJson as Evaluation,
  EvaluationListJson as EvaluationList,
} from '../schemas/evaluations.js';
export type { HealthJson as Health, ReadinessJson as Readiness } from '../schemas/health.js';
export type {
  CreateJobJson as CreateJob,
  JobFileJson as JobFile,
  JobJson as Job,
  JobListJson as JobList,
  JobWithFilesJson as JobWithFiles,
} from '../schemas/jobs.js';
export type { Problem } from '../schemas/problem.js';
export type {
  SearchAnswerJson as SearchAnswer,
  SearchBatchAnswerJson as SearchBatchAnswer,
  SearchHitJson as SearchHit,
} from '../schemas/search.js';
export type {
  CollectionListJson as CollectionList,
  VideoJson as Video,
  VideoPageJson as VideoPage,
} from '../schemas/videos.js';

export type {
  CreatedWatchJson as CreatedWatch,
  DeliveryJson as Delivery,
  DeliveryPageJson as DeliveryPage,
  DeliveryWithAttemptsJson as DeliveryWithAttempts,
  RotatedSecretJson as RotatedSecret,
  WatchJson as Watch,
  WatchPageJson as WatchPage,
} from '../schemas/watches.js';

export type SearchOptions = z.input<typeof searchFields>;
export type SimilarQuery = z.input<typeof similarQuery>;
export type BoilerplateQuery = z.input<typeof boilerplateQuery>;
export type CreateBoilerplate = z.input<typeof createBoilerplateBody>;
export type CreateDuplicates = z.input<typeof createDuplicatesBody>;
export type SearchByVideo = z.input<typeof searchByVideo>;
export type ListVideosQuery = z.input<typeof listVideosQuery>;
export type ListEvaluationsQuery = z.input<typeof listEvaluationsQuery>;
export type ListJobsQuery = z.input<typeof listJobsQuery>;
export type UploadVideoFields = z.input<typeof uploadVideoFields>;

export type CreateWatchFields = z.input<typeof createWatchFields>;
export type CreateWatchByVideo = z.input<typeof createWatchBody>;
export type UpdateWatch = z.input<typeof updateWatchBody>;
export type ListWatchesQuery = z.input<typeof listWatchesQuery>;
export type ListDeliveriesQuery = z.input<typeof listDeliveriesQuery>;

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

export interface UploadOptions extends CallOptions {
  /** What the server is told of the file's name; that of a File by default. */
  fileName?: string | undefined;
  /** Told the part of the form that has been sent, 0 to 1. */
  onProgress?: ((sent: number) => void) | undefined;
}

export interface FollowOptions extends CallOptions {
  /** Number of the last event that is known: every file since is told first. */
  lastEventId?: number | undefined;
}
