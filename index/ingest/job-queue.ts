import { EventEmitter } from 'node:events';
import { rm, stat } from 'node:fs/promises';
import { CliptraceError, errorCodeOf, errorMessageOf } from '../errors.js';
import type { Job, JobFile, JobProgress, JobRequest, Library } from '../library/types.js';
import type { SegmentIndex } from '../vectors/types.js';
import type { FileIndexer } from './file-indexer.js';
import { type JobContext, runIndexJob, runUploadJob } from './index-job.js';
import { fileSystemError } from './scan.js';
import type { JobEvent, JobQueue } from './types.js';

export interface JobQueueParts {
  library: Library;
  index: SegmentIndex;
  indexer: FileIndexer;
  concurrency: number;
  exclude: readonly string[];
  /** For what has no one to answer to. */
  onError?: ((error: unknown, job: Job) => void) | undefined;
}

/** How often the progress of a running job is written to the library. */
const PERSIST_INTERVAL_MS = 1000;

interface RunningJob {
  job: Job;
  controller: AbortController;
  /** What the job is to become when the signal fires. */
  abortStatus: 'cancelled' | 'queued';
}

/** The queue of jobs in the library, worked off one after another in this process. */
export class LibraryJobQueue implements JobQueue {
  readonly #parts: JobQueueParts;
  readonly #events = new EventEmitter();
  #started = false;
  #stopping = false;
  #running: RunningJob | null = null;
  #loop: Promise<void> | null = null;

  constructor(parts: JobQueueParts) {
    this.#parts = parts;
    // One listener per open event stream: the number is bounded by the connections, not by Node's default of ten.
    this.#events.setMaxListeners(0);
  }

  async submit(request: JobRequest): Promise<Job> {
    const job = await this.#parts.library.createJob(request);
    if (this.#started) this.#wake();
    return job;
  }

  async cancel(jobId: number): Promise<Job> {
    if (this.#running?.job.id === jobId) {
      this.#running.abortStatus = 'cancelled';
      this.#running.controller.abort();
      return this.wait(jobId);
    }
    const job = await this.#get(jobId);
    if (job.status !== 'queued' && job.status !== 'running') {
      throw new CliptraceError('JOB_ALREADY_ENDED', `Job ${jobId} has already ended: it is ${job.status}`);
    }
    return this.#end(job, 'cancelled', null, job.progress);
  }

  subscribe(jobId: number, listener: (event: JobEvent) => void): () => void {
    const name = String(jobId);
    this.#events.on(name, listener);
    return () => this.#events.off(name, listener);
  }

  async wait(jobId: number): Promise<Job> {
    return new Promise((resolve, reject) => {
      const unsubscribe = this.subscribe(jobId, (event) => {
        if (event.type !== 'end') return;
        unsubscribe();
        resolve(event.job);
      });
      this.#get(jobId).then((job) => {
        if (hasEnded(job)) {
          unsubscribe();
          resolve(job);
        }
      }, reject);
    });
  }

  async start(): Promise<void> {
    this.#started = true;
    this.#stopping = false;
    await this.#parts.library.requeueInterrupted();
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#running?.controller.abort();
    await this.#loop;
  }

  /** Runs one job now, without taking up the others: what the command line does. */
  async run(job: Job): Promise<Job> {
    const startedAt = new Date().toISOString();
    await this.#parts.library.updateJob(job.id, { status: 'running', startedAt });
    return this.#work({ ...job, status: 'running', startedAt });
  }

  #wake(): void {
    this.#loop ??= this.#drain().finally(() => {
      this.#loop = null;
    });
  }

  async #drain(): Promise<void> {
    while (!this.#stopping) {
      const job = await this.#parts.library.claimJob();
      if (!job) return;
      await this.#work(job);
    }
  }

  async #work(claimed: Job): Promise<Job> {
    const running: RunningJob = { job: claimed, controller: new AbortController(), abortStatus: 'queued' };
    this.#running = running;
    try {
      const progress = await this.#runRequest(running);
      return await this.#end(running.job, 'done', null, progress);
    } catch (error) {
      const { progress } = running.job;
      if (running.controller.signal.aborted) {
        if (running.abortStatus === 'cancelled')
          return await this.#end(running.job, 'cancelled', null, progress);
        await this.#parts.library.updateJob(claimed.id, { status: 'queued', startedAt: null });
        return { ...running.job, status: 'queued' };
      }
      this.#parts.onError?.(error, running.job);
      const told = { code: errorCodeOf(error), message: errorMessageOf(error) };
      return await this.#end(running.job, 'failed', told, progress);
    } finally {
      this.#running = null;
    }
  }

  async #runRequest(running: RunningJob): Promise<JobProgress> {
    const { request } = running.job;
    const context = this.#context(running);
    if (request.type === 'index') {
      const progress = await runIndexJob(request, context);
      await this.#parts.index.saveSnapshot();
      return progress;
    }
    return this.#runUpload(request, context);
  }

  async #runUpload(
    request: Extract<JobRequest, { type: 'upload' }>,
    context: JobContext,
  ): Promise<JobProgress> {
    const info = await stat(request.path).catch((error: unknown) => {
      throw fileSystemError(request.path, error);
    });
    const scanned = { path: request.path, sizeBytes: info.size, modifiedMs: info.mtimeMs };
    const { progress, file } = await runUploadJob(request, scanned, context);
    if (file.outcome === 'failed') {
      await rm(request.path, { force: true });
      throw new CliptraceError((file.code ?? 'INTERNAL') as 'INTERNAL', file.message ?? 'The upload failed');
    }
    return progress;
  }

  #context(running: RunningJob): JobContext {
    const { library, index, indexer, concurrency, exclude } = this.#parts;
    let persistedAtMs = 0;
    const tell = (progress: JobProgress) => {
      running.job = { ...running.job, progress };
      this.#emit({ type: 'progress', job: running.job });
    };
    return {
      library,
      index,
      indexer,
      concurrency,
      exclude,
      signal: running.controller.signal,
      onProgress: tell,
      onFile: async (file: JobFile, progress: JobProgress) => {
        running.job = { ...running.job, progress };
        await library.putJobFile(running.job.id, file);
        if (performance.now() - persistedAtMs > PERSIST_INTERVAL_MS) {
          persistedAtMs = performance.now();
          await library.updateJob(running.job.id, { progress });
        }
        this.#emit({ type: 'file', job: running.job, file });
      },
    };
  }

  async #end(
    job: Job,
    status: 'done' | 'failed' | 'cancelled',
    error: Job['error'],
    progress: JobProgress,
  ): Promise<Job> {
    const ended: Job = { ...job, status, error, progress, endedAt: new Date().toISOString() };
    await this.#parts.library.updateJob(job.id, { status, error, progress, endedAt: ended.endedAt });
    this.#emit({ type: 'end', job: ended });
    return ended;
  }

  #emit(event: JobEvent): void {
    this.#events.emit(String(event.job.id), event);
  }

  async #get(jobId: number): Promise<Job> {
    const job = await this.#parts.library.getJob(jobId);
    if (!job) throw new CliptraceError('JOB_NOT_FOUND', `There is no job ${jobId}`);
    return job;
  }
}

function hasEnded(job: Job): boolean {
  return job.status !== 'queued' && job.status !== 'running';
}
