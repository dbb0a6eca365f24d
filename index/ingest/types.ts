import type { Job, JobFile, JobRequest } from '../library/types.js';

/** What happens to a job, as it happens. */
export type JobEvent =
  | { type: 'progress'; job: Job }
  | { type: 'file'; job: Job; file: JobFile }
  | { type: 'end'; job: Job };

/** The queue of ingest jobs: kept in the library, worked off one after another. */
export interface JobQueue {
  submit(request: JobRequest): Promise<Job>;
  /** JOB_NOT_FOUND, JOB_ALREADY_ENDED. Videos that were finished before stay. */
  cancel(jobId: number): Promise<Job>;
  /** Calls back until the job ends or the returned function is called. */
  subscribe(jobId: number, listener: (event: JobEvent) => void): () => void;
  /** Resolves when the job has ended. */
  wait(jobId: number): Promise<Job>;
  /** Takes up queued jobs (interrupted ones first). */
  start(): Promise<void>;
  /** Stops after the current step; the job in hand is queued again. */
  stop(): Promise<void>;
}
