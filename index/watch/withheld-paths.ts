import path from 'node:path';
import { hasEnded } from '../library/job-status.js';
import type { Job, Library } from '../library/types.js';
import type { SettledPath } from './settling-paths.js';

/**
 * Paths that an unfinished job of the same collection is about to index, or was when it was paused: they wait for that job, so that who
 * pauses it, and then starts the program again, does not have them indexed by another one.
 */
export class WithheldPaths {
  readonly #library: Pick<Library, 'getJob' | 'pendingJobs'>;
  readonly #collection: string;
  readonly #byJob = new Map<number, Map<string, SettledPath>>();

  constructor(library: Pick<Library, 'getJob' | 'pendingJobs'>, collection: string) {
    this.#library = library;
    this.#collection = collection;
  }

  get size(): number {
    return this.#byJob.size;
  }

  /** Keeps those that an unfinished job holds; gives back the others. */
  async keep(settled: readonly SettledPath[]): Promise<SettledPath[]> {
    if (settled.length === 0) return [];
    const holds: { jobId: number; paths: ReadonlySet<string> }[] = [];
    for (const { id, request } of await this.#library.pendingJobs()) {
      // Another try of what failed, anywhere: no place is its own.
      if (request.type !== 'index' || request.retryFailed || request.collection !== this.#collection)
        continue;
      holds.push({ jobId: id, paths: new Set(request.paths.map((one) => path.resolve(one))) });
    }
    return settled.filter((one) => {
      const holder = holds.find(({ paths }) => holdsPath(paths, one.path));
      if (holder) this.#put(holder.jobId, one);
      return holder === undefined;
    });
  }

  /** What waits no longer, with the job that it waited for, as that has ended. */
  async release(): Promise<{ job: Job; batch: SettledPath[] }[]> {
    const released: { job: Job; batch: SettledPath[] }[] = [];
    for (const [jobId, paths] of this.#byJob) {
      const job = await this.#library.getJob(jobId);
      if (job !== null && !hasEnded(job)) continue;
      this.#byJob.delete(jobId);
      if (job !== null) released.push({ job, batch: [...paths.values()] });
    }
    return released;
  }

  /** The first state counts: a later one is not what the job found. */
  #put(jobId: number, one: SettledPath): void {
    const paths = this.#byJob.get(jobId) ?? new Map<string, SettledPath>();
    if (!paths.has(one.path)) paths.set(one.path, one);
    this.#byJob.set(jobId, paths);
  }
}

/** Whether the path, or a folder above it, is among `paths`. */
function holdsPath(paths: ReadonlySet<string>, file: string): boolean {
  for (let at = file; ; at = path.dirname(at)) {
    if (paths.has(at)) return true;
    if (at === path.dirname(at)) return false;
  }
}
