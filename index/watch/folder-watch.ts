import path from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { CliptraceError, type ErrorCode } from '../errors.js';
import { claimsVideo, isMissing, placeAt } from '../ingest/place.js';
import { isWithin, realPathOrSame, scanArchive } from '../ingest/scan.js';
import type { JobQueue } from '../ingest/types.js';
import type { Job, Library, VideoMetadata } from '../library/types.js';
import { type PathState, type SettledPath, SettlingPaths } from './settling-paths.js';
import { UnmountedFiles } from './unmounted-files.js';
import { WatchedRoot } from './watched-root.js';
import { WithheldPaths } from './withheld-paths.js';

export interface FolderWatchParts {
  /** Absolute. */
  roots: readonly string[];
  collection: string;
  labelFrom: 'folder' | null;
  /** Told of every video that a job of the watch indexes. */
  metadata?: VideoMetadata | undefined;
  /** Whether a video leaves the library with its last file. */
  prune: boolean;
  library: Library;
  /** Started: works off what is submitted. */
  jobs: Pick<JobQueue, 'submit' | 'wait'>;
  modelId: string;
  /** Folders that are never entered (the data folder). */
  exclude: readonly string[];
  /** How long size and time of a file must stay as they are before it is indexed. */
  settleMs: number;
  /** How often everything is looked through, whatever the system has told. */
  rescanMs: number;
  /** False: the looks from time to time alone. */
  listen?: boolean | undefined;
  onJob?: ((job: Job) => void) | undefined;
  /** A folder that cannot be followed, a job that failed: the watch goes on. */
  onProblem?: ((problem: CliptraceError) => void) | undefined;
}

const FILES_PER_JOB = 10_000;
/** What could not be done for want of space or the like is tried again so much later. */
const RETRY_MS = 30_000;

/**
 * Follows folders: new, changed, moved and deleted files become index jobs. What the system tells of changes is a hint only;
 * what counts is what lies on the disk compared with the library, looked through at the start and from time to time, so that
 * folders of other machines, which tell nothing, are followed as well.
 */
export class FolderWatch {
  readonly #parts: FolderWatchParts;
  readonly #roots: WatchedRoot[];
  readonly #settling: SettlingPaths;
  readonly #withheld: WithheldPaths;
  readonly #unmounted = new UnmountedFiles((problem) => this.#tell(problem));
  /** States that were tried already, so that what cannot be indexed is not tried again until it changes. */
  readonly #tried = new Map<string, PathState>();
  /** Deletions that were put off once already. */
  readonly #putOffOnce = new Set<string>();
  readonly #stopping = new AbortController();
  #watcher: FSWatcher | null = null;
  #timers: NodeJS.Timeout[] = [];
  #rescanning: Promise<void> | null = null;
  #working: Promise<void> | null = null;
  #restUntilMs = 0;

  constructor(parts: FolderWatchParts) {
    this.#parts = parts;
    this.#roots = parts.roots.map((root) => new WatchedRoot(root));
    this.#settling = new SettlingPaths(parts.settleMs);
    this.#withheld = new WithheldPaths(parts.library, parts.collection);
  }

  /** Resolves when everything has been looked through once, if that could be; what is new is being indexed then. */
  async start(): Promise<void> {
    const { settleMs, rescanMs } = this.#parts;
    // What stands in the way now (too many open files, say) may be gone at the next look.
    await this.#rescan().catch((error) => this.#tell(error));
    if (this.#stopping.signal.aborted) return;
    const tickMs = Math.max(50, Math.min(1000, settleMs / 4));
    this.#timers = [
      setInterval(() => this.#tick(), tickMs),
      setInterval(() => void this.#rescan().catch((error) => this.#tell(error)), rescanMs),
    ];
  }

  /** A job in hand goes on; stop the queue to end it. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const timer of this.#timers) clearInterval(timer);
    await this.#watcher?.close();
    await Promise.allSettled([this.#rescanning, this.#working]);
  }

  #rescan(): Promise<void> {
    this.#rescanning ??= this.#lookThrough().finally(() => {
      this.#rescanning = null;
    });
    return this.#rescanning;
  }

  async #lookThrough(): Promise<void> {
    let changed = false;
    for (const root of this.#roots) changed = (await root.look()) || changed;
    // Of a folder that was put in the place of another, nothing would be told.
    const listens = this.#parts.listen !== false;
    if (listens && (changed || this.#watcher === null)) await this.#listen();
    const stale = new Set(await this.#parts.library.staleVideos(this.#parts.modelId));
    await this.#unmounted.lookAgain();
    for (const root of this.#roots) await this.#compare(root, stale);
    this.#unmounted.tell();
  }

  /** Touches what differs between disk and library below one root. */
  async #compare(root: WatchedRoot, stale: ReadonlySet<number>): Promise<void> {
    const { library, collection, exclude } = this.#parts;
    const { signal } = this.#stopping;
    const scan = await scanArchive({ roots: [root.path], exclude, signal });
    if (scan.files.length > 0) root.sawFile();
    const known = new Map((await library.filesBelow(collection, root.path)).map((file) => [file.path, file]));
    const elsewhere = scan.files.filter(
      ({ path: seen, device }) => known.has(seen) && known.get(seen)?.device !== device,
    );
    await library.noteDevices(collection, elsewhere);
    for (const file of scan.files) {
      const before = known.get(file.path);
      known.delete(file.path);
      // There again as it was, which nothing else tells of.
      if (before && this.#tried.get(file.path) === null) this.#tried.delete(file.path);
      const same = before?.sizeBytes === file.sizeBytes && before.modifiedMs === file.modifiedMs;
      if (!same || stale.has(before.videoId)) this.#settling.touch(file.path);
    }
    for (const file of known.values()) {
      if (!file.owned && (await this.#unmounted.isDeleted(file))) this.#settling.touch(file.path);
    }
  }

  async #listen(): Promise<void> {
    await this.#watcher?.close();
    if (this.#stopping.signal.aborted) return;
    const { roots, exclude } = this.#parts;
    this.#watcher = watch([...roots], {
      ignoreInitial: true,
      ignorePermissionErrors: true,
      ignored: (file) => exclude.some((folder) => file === folder || file.startsWith(folder + path.sep)),
    });
    this.#watcher.on('all', (_event, file) => this.#settling.touch(path.resolve(file)));
    // Too many folders for the system, say: the looks from time to time remain.
    this.#watcher.on('error', (error) => this.#tell(error));
  }

  #tick(): void {
    if (performance.now() < this.#restUntilMs) return;
    if (this.#settling.size === 0 && this.#withheld.size === 0) return;
    this.#working ??= this.#work()
      .catch((error) => this.#tell(error))
      .finally(() => {
        this.#working = null;
      });
  }

  async #work(): Promise<void> {
    await this.#takeBack();
    let due: SettledPath[] = [];
    const { settled, vanished } = await this.#settling.look();
    for (const found of settled) {
      const one = (await this.#isReplaced(found)) ? { path: found.path, state: null } : found;
      if (await this.#isDue(one)) due.push(one);
    }
    this.#unmounted.tell();
    if (due.some(({ state }) => state === null)) due = await this.#withoutMoves(due);
    due = await this.#withheld.keep(due);
    for (let at = 0; at < due.length && !this.#stopping.signal.aborted; at += FILES_PER_JOB) {
      await this.#index(due.slice(at, at + FILES_PER_JOB));
    }
    // Moved or deleted: a look at everything finds the new place together with the loss of the old one.
    for (const file of vanished) if (await this.#isKnown(file)) return this.#rescan();
  }

  /**
   * A look at everything before deletions are believed: what was moved is at a place that nobody may have told of yet, and
   * must settle together with the loss of its old place, or the video would be removed and indexed anew. Where something else
   * still settles the deletions wait for it, once.
   */
  async #withoutMoves(due: readonly SettledPath[]): Promise<SettledPath[]> {
    const gone = due.filter(({ state }) => state === null).map((one) => one.path);
    await this.#rescanning;
    await this.#rescan();
    const others = new Set(this.#settling.paths());
    for (const one of due) others.delete(one.path);
    const waiting = new Set(others.size > 0 ? gone.filter((file) => !this.#putOffOnce.has(file)) : []);
    for (const file of gone) {
      if (waiting.has(file)) {
        this.#settling.touch(file);
        this.#putOffOnce.add(file);
      } else {
        this.#settling.drop(file);
        this.#putOffOnce.delete(file);
      }
    }
    return due.filter((one) => !waiting.has(one.path));
  }

  /** Whether there is anything to do for a path that has settled. */
  async #isDue({ path: file, state }: SettledPath): Promise<boolean> {
    const root = this.#rootOf(file);
    if (!root) return false;
    if (state === null) {
      if (this.#tried.get(file) === null) return false;
      this.#tried.delete(file);
      return (await root.tellsDeletions()) && (await this.#hasLost(file));
    }
    if (this.#tried.get(file) === state) return false;
    if (this.#tried.get(file) === null) this.#tried.delete(file);
    const place = await placeAt(file);
    if (place !== 'video' && !(place === 'unknown' && claimsVideo(file))) return false;
    if (await this.#isExcluded(file, root)) return false;
    root.sawFile();
    return !(await this.#isCurrent(file, state));
  }

  /** Whether it lies in a folder that is never entered, by whatever path; not where the root itself does. */
  async #isExcluded(file: string, root: WatchedRoot): Promise<boolean> {
    const [folder, rootFolder] = await Promise.all([
      realPathOrSame(path.dirname(file)),
      realPathOrSame(root.path),
    ]);
    const excluded = await Promise.all(this.#parts.exclude.map(realPathOrSame));
    return excluded.some((one) => isWithin(one, folder) && !isWithin(one, rootFolder));
  }

  /** Whether a folder or the like lies where the library has a video: its file is as good as deleted. */
  async #isReplaced({ path: file, state }: SettledPath): Promise<boolean> {
    if (state === null) return false;
    const known = await this.#parts.library.findFile(this.#parts.collection, file);
    return known !== null && !known.owned && (await isMissing(file));
  }

  /** Whether the library has a file at the path, or below it. */
  async #isKnown(file: string): Promise<boolean> {
    const { library, collection } = this.#parts;
    return (await library.filesBelow(collection, file)).some((one) => !one.owned);
  }

  /** Whether a file that the library has at the path, or below it, was deleted. */
  async #hasLost(file: string): Promise<boolean> {
    const { library, collection } = this.#parts;
    for (const known of await library.filesBelow(collection, file)) {
      if (!known.owned && (await this.#unmounted.isDeleted(known))) return true;
    }
    return false;
  }

  /** Whether the library has the file as it is; a job may have brought it in meanwhile. */
  async #isCurrent(file: string, state: string): Promise<boolean> {
    const { library, collection, modelId } = this.#parts;
    const known = await library.findFile(collection, file);
    if (!known || !state.startsWith(`${known.sizeBytes} ${known.modifiedMs} `)) return false;
    return library.hasSegments(known.videoId, modelId);
  }

  async #index(batch: readonly SettledPath[]): Promise<void> {
    const { jobs, collection, labelFrom, metadata, prune, roots, onJob } = this.#parts;
    const paths = batch.map((one) => one.path);
    const request = { type: 'index' as const, paths, collection, labelFrom, prune, roots: [...roots] };
    const submitted = await jobs.submit({ ...request, ...(metadata ? { metadata } : {}) });
    onJob?.(submitted);
    const job = await this.#ended(submitted.id);
    if (job !== null) await this.#conclude(batch, job);
  }

  /** What waited for a job that was there before, a paused one of an earlier start, say. */
  async #takeBack(): Promise<void> {
    for (const { job, batch } of await this.#withheld.release()) {
      // Somebody else's job says nothing about what is to be followed.
      if (job.request.type === 'index' && job.request.roots) await this.#conclude(batch, job);
      for (const { path: file } of batch) this.#settling.touch(file);
    }
  }

  async #conclude(batch: readonly SettledPath[], job: Job): Promise<void> {
    const { library } = this.#parts;
    if (job.status === 'failed') return this.#putOff(batch, job);
    for (const { path: file, state } of batch) if (state !== null) this.#tried.set(file, state);
    const gone = new Set(batch.filter(({ state }) => state === null).map((one) => one.path));
    for (const file of await library.jobFiles(job.id, 'failed')) {
      // It was still being written after all: once more, when it has settled.
      const isUnsettled = file.code === 'FILE_CHANGED' || file.code === 'FILE_NOT_FOUND';
      if (isUnsettled && !gone.has(file.path)) this.#again(file.path);
    }
    // Between a scan and the end of the job more may have come: known ones need not be remembered.
    for (const file of await library.jobFiles(job.id)) {
      // Kept without its file: told once, not at each look. A disk that is not mounted is told of otherwise.
      if (file.outcome === 'missing') {
        if (file.code === null) this.#tried.set(file.path, null);
      } else if (file.outcome !== 'failed') this.#tried.delete(file.path);
    }
  }

  /** Null when the watch is stopped before. */
  #ended(jobId: number): Promise<Job | null> {
    const { signal } = this.#stopping;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return resolve(null);
      const stopped = () => resolve(null);
      signal.addEventListener('abort', stopped, { once: true });
      const done = () => signal.removeEventListener('abort', stopped);
      this.#parts.jobs.wait(jobId).then(resolve, reject).finally(done);
    });
  }

  /** Nothing could be indexed (a full disk, say): all of it again, later. */
  #putOff(batch: readonly SettledPath[], { id, error }: Job): void {
    this.#restUntilMs = performance.now() + RETRY_MS;
    for (const { path: file } of batch) this.#settling.touch(file);
    const code = (error?.code ?? 'INTERNAL') as ErrorCode;
    this.#tell(new CliptraceError(code, `Job ${id} failed and is tried again later: ${error?.message}`));
  }

  #again(file: string): void {
    this.#tried.delete(file);
    this.#settling.touch(file);
  }

  #rootOf(file: string): WatchedRoot | undefined {
    return this.#roots.find(({ path: root }) => isWithin(root, file));
  }

  #tell(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const problem =
      error instanceof CliptraceError
        ? error
        : new CliptraceError('INTERNAL', `Following the folders met a problem: ${(error as Error).message}`, {
            cause: error,
          });
    this.#parts.onProblem?.(problem);
  }
}
