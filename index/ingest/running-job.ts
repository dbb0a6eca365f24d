import { atRest } from '../library/job-status.js';
import type { Job, JobFile, JobProgress, Library } from '../library/types.js';
import { EventNumbers } from './event-numbers.js';
import { removeUnusedUpload } from './remove-upload.js';
import type { JobEvent } from './types.js';

/** How often the progress of a running job is written to the library, for other processes and for a restart. */
const PERSIST_INTERVAL_MS = 1000;

/** A job that this process works on: its state, the numbers of its events, and the way to break it off. */
export class RunningJob {
  readonly #library: Library;
  readonly #emit: (event: JobEvent) => void;
  readonly #controller = new AbortController();
  readonly #numbers: EventNumbers;
  readonly #settled: Promise<Job>;
  #resolve: (job: Job) => void = () => undefined;
  #job: Job;
  #persistedAtMs = 0;
  /** Files are numbered one after another and told in that order; their records are written together. */
  #numbered: Promise<unknown> = Promise.resolve();
  #told: Promise<unknown> = Promise.resolve();
  #filesPending = 0;

  constructor(job: Job, library: Library, emit: (event: JobEvent) => void) {
    this.#job = job;
    this.#library = library;
    this.#emit = emit;
    this.#numbers = new EventNumbers(job.lastEvent, (lastEvent) => library.updateJob(job.id, { lastEvent }));
    this.#settled = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get job(): Job {
    return this.#job;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Resolves to the job as it is when this process no longer works on it. */
  get settled(): Promise<Job> {
    return this.#settled;
  }

  abort(): void {
    this.#controller.abort();
  }

  async begin(): Promise<void> {
    await this.#numbers.prepare();
    this.#tell(this.#job.progress);
  }

  progress(progress: JobProgress): void {
    // The file's event, which is about to come, tells the progress as well.
    if (this.#filesPending > 0) return;
    this.#tell(progress);
    // What counts is written with the files; a full disk shows there.
    this.#persist().catch(() => undefined);
  }

  file(file: JobFile, progress: JobProgress): Promise<void> {
    this.#filesPending += 1;
    const number = this.#numbered.then(() => this.#numbers.next());
    this.#numbered = number.catch(() => undefined);
    const before = this.#told;
    const told = number
      .then(async (lastEvent) => {
        await this.#library.putJobFile(this.#job.id, file, lastEvent);
        await before;
        await this.#tellFile(file, progress, lastEvent);
      })
      .finally(() => {
        this.#filesPending -= 1;
      });
    this.#told = told.catch(() => undefined);
    return told;
  }

  /** As it is when it ends now. */
  ended(status: 'done' | 'failed', error: Job['error'], progress: JobProgress): Job {
    return {
      ...this.#job,
      status,
      wanted: null,
      error,
      progress: status === 'done' ? progress : atRest(progress),
      endedAt: new Date().toISOString(),
      // Two: that of the last state, which a late listener is told first, and that of the end.
      lastEvent: this.#numbers.last + 2,
    };
  }

  async end(ended: Job): Promise<Job> {
    const { status, error, progress, endedAt, lastEvent } = ended;
    await this.#library.updateJob(ended.id, { status, error, progress, endedAt, lastEvent });
    // Before anybody is told: who hears of the end finds nothing left.
    await removeUnusedUpload(ended, this.#library);
    return this.#settle(ended, 'end');
  }

  /** For when the end cannot be written yet: it is told all the same. An upload's file stays until it is. */
  endUnwritten(ended: Job): Job {
    return this.#settle(ended, 'end');
  }

  /** Broken off: paused, cancelled, or queued again, as was asked for in the library. */
  async breakOff(): Promise<Job> {
    const { id, progress } = this.#job;
    await this.#library.updateJob(id, { progress, lastEvent: this.#numbers.last });
    const job = await this.#library.settleJob(id);
    // Before anybody is told: who hears of the end finds nothing left.
    await removeUnusedUpload(job, this.#library);
    return this.#settle(job, job.status === 'cancelled' ? 'end' : 'progress');
  }

  /** For when not even the end could be written. */
  giveUp(): void {
    this.#resolve(this.#job);
  }

  async #tellFile(file: JobFile, progress: JobProgress, lastEvent: number): Promise<void> {
    this.#job = { ...this.#job, progress, lastEvent };
    this.#emit({ type: 'file', job: this.#job, file });
    await this.#persist();
  }

  #settle(job: Job, type: 'end' | 'progress'): Job {
    this.#job = job;
    this.#emit({ type, job });
    this.#resolve(job);
    return job;
  }

  #tell(progress: JobProgress): void {
    const lastEvent = this.#numbers.tryNext();
    if (lastEvent === null) return;
    this.#job = { ...this.#job, progress, lastEvent };
    this.#emit({ type: 'progress', job: this.#job });
  }

  async #persist(): Promise<void> {
    if (performance.now() - this.#persistedAtMs < PERSIST_INTERVAL_MS) return;
    this.#persistedAtMs = performance.now();
    const { id, progress } = this.#job;
    await this.#library.updateJob(id, { progress });
    await this.#numbers.prepare();
  }
}
