import type { EvaluationRequest } from '../evaluation/types.js';
import type { Job, JobFile, JobProgress, JobRequest } from '../library/types.js';

/**
 * What happens to a job, as it happens. `job.lastEvent` is the number of the event: ascending within a job, with gaps,
 * and never given twice, whatever process runs it. `progress` also tells that the job was queued, paused or begun.
 */
export type JobEvent =
  | { type: 'progress'; job: Job }
  | { type: 'file'; job: Job; file: JobFile }
  | { type: 'end'; job: Job };

/** Does what a job asks for that reads no files of the archive into the library. The progress of the job when it is done. */
export type TaskRunner = (
  job: Job,
  run: { signal: AbortSignal; onProgress(progress: JobProgress): void },
) => Promise<JobProgress>;

/**
 * The queue of ingest jobs: kept in the library, worked off one after another. What other processes ask of a job or put
 * into the queue is noticed within a fraction of a second.
 */
export interface JobQueue {
  submit(request: JobRequest): Promise<Job>;
  /** Queues an evaluation; the job and the evaluation have the same id. */
  submitEvaluation(request: EvaluationRequest): Promise<Job>;
  /** The job as it is now: of a running one, fresher than the library has it. JOB_NOT_FOUND. */
  get(jobId: number): Promise<Job>;
  /** Resolves when nothing works on it any more. It stays paused, also over a restart. JOB_NOT_FOUND, JOB_ALREADY_ENDED. */
  pause(jobId: number): Promise<Job>;
  /** Queues a paused or a failed job again; an upload only when nothing was wrong with its file. JOB_NOT_FOUND, JOB_ALREADY_ENDED. */
  resume(jobId: number): Promise<Job>;
  /** JOB_NOT_FOUND, JOB_ALREADY_ENDED. Videos that were finished before stay. */
  cancel(jobId: number): Promise<Job>;
  /** Calls back until the returned function is called. */
  subscribe(jobId: number, listener: (event: JobEvent) => void): () => void;
  /** The same for the events of every job that is worked on here. */
  subscribeAll(listener: (event: JobEvent) => void): () => void;
  /** Resolves when the job has ended. */
  wait(jobId: number): Promise<Job>;
  /** Takes up queued jobs (interrupted ones first). */
  start(): Promise<void>;
  /** Stops after the current step; the job in hand is queued again. */
  stop(): Promise<void>;
}
