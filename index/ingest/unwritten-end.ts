import { hasEnded } from '../library/job-status.js';
import type { Job, Library } from '../library/types.js';
import { removeUnusedUpload } from './remove-upload.js';

/**
 * The job that this process has left, but could not say so in the library (a full disk, say), where it still is `running`. There
 * is one at most: no other job is begun before it is written.
 */
export class UnwrittenEnd {
  readonly #library: Library;
  #job: Job | null = null;

  constructor(library: Library) {
    this.#library = library;
  }

  get jobId(): number | null {
    return this.#job?.id ?? null;
  }

  /** `job` has ended, or was broken off and is to be settled. */
  remember(job: Job): void {
    this.#job = job;
  }

  /** The job as it is to be shown: its end counts, written or not. */
  shown(stored: Job): Job {
    const left = this.#job;
    return left?.id === stored.id && stored.status === 'running' && hasEnded(left) ? left : stored;
  }

  /** Returns the job as the library holds it now; null when there was nothing to write. Throws when it cannot be written yet. */
  async write(): Promise<Job | null> {
    const left = this.#job;
    if (left === null) return null;
    const state = await this.#library.jobState(left.id);
    // Somebody else may have settled it meanwhile, or asked for something.
    if (state?.status === 'running') {
      const { id, status, error, progress, endedAt, lastEvent } = left;
      const end = { status, error, progress, endedAt, lastEvent };
      if (hasEnded(left) && state.wanted === null) await this.#library.updateJob(id, end);
      else await this.#library.settleJob(id);
    }
    this.#job = null;
    const job = await this.#library.getJob(left.id);
    if (job !== null) await removeUnusedUpload(job, this.#library);
    return job;
  }
}
