import { EventEmitter, setMaxListeners } from 'node:events';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { abortable } from '../abortable.js';
import { CliptraceError, errorCodeOf, errorMessageOf } from '../errors.js';
import type { EvaluationRunner } from '../evaluation/evaluation-runner.js';
import type { EvaluationRequest } from '../evaluation/types.js';
import { hasEnded } from '../library/job-status.js';
import type { Job, JobCommand, JobProgress, JobRequest, Library } from '../library/types.js';
import type { SegmentIndex } from '../vectors/types.js';
import type { Admission } from './admission.js';
import type { FileIndexer } from './file-indexer.js';
import { type JobContext, runIndexJob, runUploadJob } from './index-job.js';
import { removeUnusedUpload } from './remove-upload.js';
import type { RoomWatch } from './room-watch.js';
import { RunningJob } from './running-job.js';
import { fileSystemError } from './scan.js';
import { queueStaleUploads } from './stale-uploads.js';
import type { JobEvent, JobQueue, TaskRunner } from './types.js';
import { UnwrittenEnd } from './unwritten-end.js';

export interface JobQueueParts {
  library: Library;
  index: SegmentIndex;
  /** Resolves when searches are answered, or never will be. */
  searchable: Promise<unknown>;
  indexer: FileIndexer;
  evaluate: EvaluationRunner;
  /** May queue what a grown collection needs. */
  afterIngest(collection: string): Promise<void>;
  tasks: Readonly<Record<'boilerplate' | 'calibrate' | 'duplicates', TaskRunner>>;
  admission: Admission;
  exclude: readonly string[];
  /** Where uploads lie. */
  mediaFolder: string;
  /** Of the encoder. */
  modelId: string;
  /** Of the disks that the job writes to. */
  room: RoomWatch;
  /** For what has no one to answer to. The job is null when the queue itself could not be read. */
  onError?: ((error: unknown, job: Job | null) => void) | undefined;
}

/** How often the library is asked for what other processes want. One look costs a few microseconds. */
const LOOK_INTERVAL_MS = 250;
/** After a failure of the library itself. */
const REST_MS = 5000;

const EVERY_JOB = 'every job';

/** The queue of jobs in the library, worked off one after another in this process. */
export class LibraryJobQueue implements JobQueue {
  readonly #parts: JobQueueParts;
  readonly #events = new EventEmitter();
  /** Jobs that someone listens to, and the last event that they were told. */
  readonly #told = new Map<number, number>();
  readonly #unwritten: UnwrittenEnd;
  #started = false;
  #stopping = false;
  #running: RunningJob | null = null;
  #loop: Promise<void> | null = null;
  /** Something was queued since the loop last looked. */
  #isWoken = false;
  /** What a full disk stopped before the start is yet to be queued again. */
  #hasStopped = false;
  #lookTimer: NodeJS.Timeout | null = null;
  #isLooking = false;

  constructor(parts: JobQueueParts) {
    this.#parts = parts;
    this.#unwritten = new UnwrittenEnd(parts.library);
    // One listener per open event stream: the number is bounded by the connections, not by Node's default of ten.
    this.#events.setMaxListeners(0);
  }

  async submit(request: JobRequest): Promise<Job> {
    const job = await this.#parts.library.createJob(request);
    if (this.#started) this.#wake();
    return job;
  }

  async submitEvaluation(request: EvaluationRequest): Promise<Job> {
    const job = await this.#parts.library.createEvaluation(request);
    if (this.#started) this.#wake();
    return job;
  }

  async get(jobId: number): Promise<Job> {
    if (this.#running?.job.id === jobId) return this.#running.job;
    const job = await this.#parts.library.getJob(jobId);
    if (!job)
      throw new CliptraceError(
        'JOB_NOT_FOUND',
        `There is no job ${jobId}: list the jobs to see which there are`,
      );
    return this.#unwritten.shown(job);
  }

  pause(jobId: number): Promise<Job> {
    return this.#control(jobId, 'pause');
  }

  resume(jobId: number): Promise<Job> {
    return this.#control(jobId, 'resume');
  }

  cancel(jobId: number): Promise<Job> {
    return this.#control(jobId, 'cancel');
  }

  subscribe(jobId: number, listener: (event: JobEvent) => void): () => void {
    const name = String(jobId);
    this.#events.on(name, listener);
    if (!this.#told.has(jobId)) this.#told.set(jobId, -1);
    this.#keepLooking();
    // Who waits for a job must not find the process ended before it.
    this.#lookTimer?.ref();
    return () => {
      this.#events.off(name, listener);
      if (this.#events.listenerCount(name) === 0) this.#told.delete(jobId);
      if (this.#told.size === 0) this.#lookTimer?.unref();
    };
  }

  subscribeAll(listener: (event: JobEvent) => void): () => void {
    this.#events.on(EVERY_JOB, listener);
    return () => this.#events.off(EVERY_JOB, listener);
  }

  async wait(jobId: number): Promise<Job> {
    return new Promise((resolve, reject) => {
      const unsubscribe = this.subscribe(jobId, (event) => {
        if (event.type !== 'end') return;
        unsubscribe();
        resolve(event.job);
      });
      this.get(jobId).then(
        (job) => {
          if (!hasEnded(job)) return;
          unsubscribe();
          resolve(job);
        },
        (error: unknown) => {
          unsubscribe();
          reject(error);
        },
      );
    });
  }

  async start(): Promise<void> {
    this.#started = true;
    this.#stopping = false;
    const { library } = this.#parts;
    const cancelled = (await library.pendingJobs()).filter(({ wanted }) => wanted === 'cancel');
    await library.requeueInterrupted();
    for (const { id } of cancelled) await removeUnusedUpload(await this.get(id), library);
    this.#hasStopped = true;
    // Without room for the job they wait for the next start.
    await this.queueStaleUploads().catch((error: unknown) => this.#parts.onError?.(error, null));
    this.#keepLooking();
    this.#wake();
  }

  /** Queues what embeds the uploads that only another model has embedded. */
  queueStaleUploads(): Promise<Job[]> {
    return queueStaleUploads(this.#parts.library, this.#parts.modelId);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#lookTimer) clearInterval(this.#lookTimer);
    this.#lookTimer = null;
    this.#running?.abort();
    await this.#loop;
  }

  /**
   * Runs one job now, without taking up the others: what the command line does. While the job is paused, waits until it
   * is resumed or cancelled. Resolves when it has ended, or after `stop`.
   */
  async run(job: Job): Promise<Job> {
    this.#keepLooking();
    for (;;) {
      const now = await this.get(job.id);
      if (hasEnded(now) || this.#stopping) return now;
      if (now.status === 'paused') await sleep(LOOK_INTERVAL_MS);
      else {
        const startedAt = now.startedAt ?? new Date().toISOString();
        await this.#parts.library.updateJob(job.id, { status: 'running', startedAt });
        await this.#work({ ...now, status: 'running', startedAt });
      }
    }
  }

  async #control(jobId: number, command: JobCommand): Promise<Job> {
    if (this.#unwritten.jobId === jobId) await this.#writeEnd();
    let job = await this.#parts.library.controlJob(jobId, command);
    // Not before: the job may just have been claimed.
    const running = this.#running?.job.id === jobId ? this.#running : null;
    if (job.wanted !== null && running) {
      running.abort();
      return running.settled;
    }
    // Nobody works on it: the process that did is gone, and this one holds the data folder.
    if (job.wanted !== null) job = await this.#parts.library.settleJob(jobId);
    await removeUnusedUpload(job, this.#parts.library);
    if (!running) this.#emitChange(job);
    if (job.status === 'queued' && this.#started) this.#wake();
    return running ? running.job : job;
  }

  #keepLooking(): void {
    if (this.#stopping) return;
    this.#lookTimer ??= setInterval(() => void this.#look(), LOOK_INTERVAL_MS).unref();
  }

  /** Notices what other processes have done to the jobs. */
  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const { library } = this.#parts;
      const running = this.#running;
      if (running && (await library.jobState(running.job.id))?.wanted) running.abort();
      if (this.#started && !this.#loop && (await library.hasQueuedJob())) this.#wake();
      for (const [jobId, told] of this.#told) {
        if (jobId === this.#running?.job.id || (await library.jobState(jobId))?.lastEvent === told) continue;
        const job = await this.get(jobId).catch(() => null);
        if (job && jobId !== this.#running?.job.id) this.#emitChange(job);
      }
    } catch {
      // The library is busy or damaged: whoever works with it is told.
    } finally {
      this.#isLooking = false;
    }
  }

  #wake(): void {
    this.#isWoken = true;
    this.#loop ??= this.#drain().finally(() => {
      this.#loop = null;
      if (this.#isWoken && !this.#stopping) this.#wake();
    });
  }

  async #drain(): Promise<void> {
    while (!this.#stopping) {
      try {
        if (this.#hasStopped) await this.#resumeStopped();
        await this.#goOnAfterFullDisk();
        await this.#writeEnd();
        this.#isWoken = false;
        const job = this.#stopping ? null : await this.#parts.library.claimJob();
        if (job) await this.#work(job);
        else if (!this.#isWoken) return;
      } catch (error) {
        this.#parts.onError?.(error, null);
        for (let restedMs = 0; restedMs < REST_MS && !this.#stopping; restedMs += LOOK_INTERVAL_MS) {
          await sleep(LOOK_INTERVAL_MS);
        }
      }
    }
  }

  /** Resolves when this process no longer works on the job. Throws only what keeps its state from being written. */
  async #work(claimed: Job): Promise<void> {
    const running = new RunningJob(claimed, this.#parts.library, (event) => this.#emit(event));
    // One listener per process and file in hand, whose number is bounded.
    setMaxListeners(0, running.signal);
    this.#running = running;
    if (this.#stopping) running.abort();
    try {
      await this.#workOn(running);
    } finally {
      this.#running = null;
      running.giveUp();
    }
  }

  async #workOn(running: RunningJob): Promise<void> {
    try {
      await running.begin();
      const progress = await this.#runRequest(running);
      await running.end(running.ended('done', null, progress));
      this.#parts.room.sufficed();
    } catch (error) {
      if (running.signal.aborted) await this.#breakOff(running);
      else await this.#fail(running, error);
    }
  }

  async #breakOff(running: RunningJob): Promise<void> {
    try {
      await running.breakOff();
    } catch (error) {
      // Who paused or cancelled it is told that this failed; it is done as soon as it can be.
      if (!this.#stopping) this.#unwritten.remember(running.job);
      throw error;
    }
  }

  /** The job has failed, also where that cannot be written; after a full disk it goes on when there is room. */
  async #fail(running: RunningJob, error: unknown): Promise<void> {
    this.#parts.onError?.(error, running.job);
    const told = { code: errorCodeOf(error), message: errorMessageOf(error) };
    const failed = running.ended('failed', told, running.job.progress);
    if (told.code === 'DISK_FULL') await this.#parts.room.stop(failed);
    try {
      await running.end(failed);
    } catch {
      this.#unwritten.remember(failed);
      running.endUnwritten(failed);
    }
  }

  /**
   * Jobs of an earlier start: how full the disk was then nobody knows, so they are tried at once, in their turn. If it is full
   * still, they stop again.
   */
  async #resumeStopped(): Promise<void> {
    for (const { id } of await this.#parts.library.jobsStoppedForRoom()) await this.#resume(id);
    this.#hasStopped = false;
  }

  async #writeEnd(): Promise<void> {
    const written = await this.#unwritten.write();
    if (written) this.#emitChange(written);
  }

  async #resume(jobId: number): Promise<void> {
    this.#emitChange(await this.#parts.library.controlJob(jobId, 'resume'));
  }

  /** Other jobs wait as well: they would fail for the same reason. Who resumes or cancels the job need not wait. */
  async #goOnAfterFullDisk(): Promise<void> {
    const { library, room } = this.#parts;
    const stopped = room.job;
    if (!stopped) return;
    const isStopped = async () =>
      this.#unwritten.jobId === stopped.id || (await library.jobState(stopped.id))?.status === 'failed';
    while (!this.#stopping && (await isStopped()) && !(await room.isBack())) {
      await this.#writeEnd().catch(() => undefined);
      await sleep(LOOK_INTERVAL_MS);
    }
    if (this.#stopping) return;
    await this.#writeEnd();
    if (await isStopped()) await this.#resume(stopped.id);
    room.clear();
  }

  async #runRequest(running: RunningJob): Promise<JobProgress> {
    const { request } = running.job;
    if (request.type !== 'index' && request.type !== 'upload') {
      // A server takes up what was queued while its index is still being loaded.
      await abortable(this.#parts.searchable, running.signal);
    }
    if (request.type === 'evaluate') {
      return this.#parts.evaluate(running.job.id, {
        signal: running.signal,
        onProgress: (progress) => running.progress(progress),
      });
    }
    if (request.type !== 'index' && request.type !== 'upload') {
      return this.#parts.tasks[request.type](running.job, {
        signal: running.signal,
        onProgress: (progress) => running.progress(progress),
      });
    }
    const context = this.#context(running);
    if (request.type === 'index') {
      const progress = await runIndexJob(request, context);
      // A folder that is followed makes a job for every few files: each would write a gigabyte of a million segments.
      await this.#parts.index.saveSnapshot({ unlessNearlyWhole: true });
      await this.#parts.afterIngest(request.collection);
      return progress;
    }
    const progress = await this.#runUpload(request, context);
    await this.#parts.afterIngest(request.collection);
    return progress;
  }

  async #runUpload(
    request: Extract<JobRequest, { type: 'upload' }>,
    context: JobContext,
  ): Promise<JobProgress> {
    const info = await stat(request.path).catch((error: unknown) => {
      throw fileSystemError(request.path, error);
    });
    const scanned = { path: request.path, sizeBytes: info.size, modifiedMs: info.mtimeMs, device: null };
    const { progress, file } = await runUploadJob(request, scanned, context);
    if (file.outcome === 'failed') {
      throw new CliptraceError((file.code ?? 'INTERNAL') as 'INTERNAL', file.message ?? 'The upload failed');
    }
    return progress;
  }

  #context(running: RunningJob): JobContext {
    const { library, indexer, admission, exclude, mediaFolder, modelId } = this.#parts;
    return {
      library,
      indexer,
      admission,
      exclude,
      mediaFolder,
      modelId,
      signal: running.signal,
      recordedFile: (path) => library.jobFile(running.job.id, path),
      onProgress: (progress) => running.progress(progress),
      onFile: (file, progress) => running.file(file, progress),
    };
  }

  /** Tells of a change that did not come from a running job here, once. */
  #emitChange(job: Job): void {
    if ((this.#told.get(job.id) ?? job.lastEvent) >= job.lastEvent) return;
    this.#emit({ type: hasEnded(job) ? 'end' : 'progress', job });
  }

  #emit(event: JobEvent): void {
    const { id, lastEvent } = event.job;
    if (this.#told.has(id)) this.#told.set(id, lastEvent);
    this.#events.emit(String(id), event);
    this.#events.emit(EVERY_JOB, event);
  }
}
