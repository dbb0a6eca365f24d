import path from 'node:path';
import { CliptraceError, errorCodeOf, errorMessageOf } from '../errors.js';
import { STOPPING_CODES } from '../library/job-status.js';
import type { JobFile, JobProgress, JobRequest, Library } from '../library/types.js';
import { absenceOf, unmountedReason } from './absence.js';
import type { Admission } from './admission.js';
import type { FileIndexer, FileResult, FileTask } from './file-indexer.js';
import { type FoundFile, recogniseUploads } from './own-media.js';
import { isGone, isLink, isMissing, placeAt } from './place.js';
import { ProgressTracker } from './progress.js';
import { type ScanFailure, type ScannedFile, type ScanResult, scanArchive } from './scan.js';
import { staleUploads } from './stale-uploads.js';

export interface JobContext {
  library: Library;
  indexer: FileIndexer;
  /** How many files are in hand at a time. */
  admission: Admission;
  exclude: readonly string[];
  /** Where uploads lie. */
  mediaFolder: string;
  /** Of the encoder. */
  modelId: string;
  signal: AbortSignal;
  /** What an earlier run of this job told of a file. */
  recordedFile(path: string): Promise<JobFile | null>;
  onFile(file: JobFile, progress: JobProgress): Promise<void>;
  onProgress(progress: JobProgress): void;
}

/**
 * Scans the roots, indexes what is new or changed, and reports (or prunes) what is gone. Uploads of the collection that another model
 * has embedded are taken along.
 */
export async function runIndexJob(
  request: Extract<JobRequest, { type: 'index' }>,
  context: JobContext,
): Promise<JobProgress> {
  const roots = request.paths.map((root) => path.resolve(root));
  const scan = await scanFor(request, roots, context);
  await context.library.noteDevices(request.collection, scan.files);
  const namesOnePlace = roots.length === 1 && !request.retryFailed && !request.roots;
  const unreadableRoot = scan.failures.find(({ path: failed }) => roots.includes(failed));
  if (unreadableRoot && namesOnePlace) throw unreadableRoot.error;

  const found = await recogniseUploads(scan.files, request.collection, context);
  const files = [...found.files, ...(await uploadsToTake(request, found.files, context))];
  const failures = await exceptMissing(scan.failures, request, roots, context);
  const progress = new ProgressTracker();
  const recorder = new Recorder(context, progress);
  progress.begin(
    files.length + failures.length,
    files.reduce((total, file) => total + file.sizeBytes, 0),
    scan.otherFileCount,
  );
  context.onProgress(progress.progress);
  for (const { path: failed, error } of failures) {
    // What had failed before and is gone now needs no further try.
    const isOver = request.retryFailed && (await isGone(failed)) && !(await isLink(failed));
    if (isOver) await recorder.missing(failed);
    else await recorder.failed({ path: failed, sizeBytes: 0 }, error);
  }
  const skipped = [...(await exceptMissing(scan.skipped, request, roots, context)), ...found.skipped];
  for (const one of skipped) await recorder.skipped(one.path, one.error);

  await indexAll(request, files, context, recorder);
  await context.indexer.forgetUnplaced(request.collection);
  if (!request.retryFailed) await tellMissing(request, roots, files, context, recorder);
  return progress.end();
}

/**
 * In two rounds: what could push a video out of its only place while that video may lie at one of the other files waits until all the others
 * have been looked at, so that a recorder's rotated files keep their ids, titles and labels, and are not embedded again.
 */
async function indexAll(
  request: Extract<JobRequest, { type: 'index' }>,
  files: readonly FoundFile[],
  context: JobContext,
  recorder: Recorder,
): Promise<void> {
  const { collection, labelFrom, metadata } = request;
  const sizes = new Map<number, number>();
  for (const { sizeBytes } of files) sizes.set(sizeBytes, (sizes.get(sizeBytes) ?? 0) + 1);
  const later: FoundFile[] = [];
  const index = (file: FoundFile, mayHaveMoved?: FileTask['mayHaveMoved']) => {
    const label = labelFrom === 'folder' && !file.owned ? path.basename(path.dirname(file.path)) : undefined;
    // What is told of an archive is not told of what was uploaded.
    const told = file.owned ? undefined : metadata;
    return indexOne(
      { file, collection, title: null, label, metadata: told, owned: file.owned, mayHaveMoved },
      context,
      recorder,
    );
  };
  await admitEach(files, context.admission, async (file) => {
    const done = await index(file, ({ sizeBytes }) => {
      const own = file.sizeBytes === sizeBytes ? 1 : 0;
      return (sizes.get(sizeBytes) ?? 0) > own;
    });
    if (!done) later.push(file);
  });
  await admitEach(later, context.admission, (file) => index(file));
}

/** Not for a job that tries again what failed or follows a folder: there it would come again and again. */
async function uploadsToTake(
  { collection, retryFailed, roots }: Extract<JobRequest, { type: 'index' }>,
  found: readonly FoundFile[],
  { library, modelId }: JobContext,
): Promise<FoundFile[]> {
  if (retryFailed || roots) return [];
  const foundPaths = new Set(found.map((file) => file.path));
  const uploads = await staleUploads(library, collection, modelId);
  return uploads.filter((file) => !foundPaths.has(file.path));
}

/** Everything below the roots or, to try again what failed, only that. */
async function scanFor(
  request: Extract<JobRequest, { type: 'index' }>,
  roots: readonly string[],
  { library, exclude, signal }: JobContext,
): Promise<ScanResult> {
  if (request.roots) {
    const present: string[] = [];
    for (const changed of roots) {
      // Unlike what a user names, other things need no try: they are here because a video was there before.
      const place = await placeAt(changed);
      if (place !== 'nothing' && place !== 'other') present.push(changed);
    }
    return scanArchive({ roots: present, exclude, signal });
  }
  if (!request.retryFailed) return scanArchive({ roots, exclude, signal });
  const failed: string[] = [];
  for (const root of roots) failed.push(...(await library.failedFilesBelow(request.collection, root)));
  return scanArchive({ roots: [...new Set(failed)], exclude, signal });
}

/** Indexes one uploaded file, which lies in the data folder. */
export async function runUploadJob(
  request: Extract<JobRequest, { type: 'upload' }>,
  file: ScannedFile,
  context: JobContext,
): Promise<{ progress: JobProgress; file: JobFile }> {
  const progress = new ProgressTracker();
  progress.begin(1, file.sizeBytes);
  const recorder = new Recorder(context, progress);
  const { collection, title, label } = request;
  const outcome = await indexOne(
    // Without a label of its own, content that is there already keeps the label it has.
    { file, collection, title, label: label ?? undefined, metadata: request.metadata, owned: true },
    context,
    recorder,
  );
  // Only what may be put off is.
  return { progress: progress.end(), file: outcome as JobFile };
}

/** Null when it is put off. */
async function indexOne(
  task: Omit<FileTask, 'signal' | 'onSegment'>,
  context: JobContext,
  recorder: Recorder,
): Promise<JobFile | null> {
  const { file } = task;
  if (context.signal.aborted) throw new CliptraceError('CANCELLED', 'The indexing was cancelled');
  recorder.progress.enter(file);
  context.onProgress(recorder.progress.progress);
  try {
    const result = await context.indexer.indexFile({
      ...task,
      signal: context.signal,
      onSegment: (endSeconds, durationSeconds) => {
        recorder.progress.advance({ path: file.path, endSeconds, durationSeconds });
        recorder.tellNow();
      },
    });
    if (result) return await recorder.indexed(file, result);
    recorder.progress.putOff(file);
    return null;
  } catch (error) {
    if (STOPPING_CODES.has(errorCodeOf(error))) throw error;
    return recorder.failed(file, error);
  }
}

/** Without the link to nothing or the pipe, say, that a video was at the place of before: its loss is told, once. */
async function exceptMissing(
  found: readonly ScanFailure[],
  { collection, retryFailed }: Extract<JobRequest, { type: 'index' }>,
  roots: readonly string[],
  { library }: JobContext,
): Promise<ScanFailure[]> {
  const left: ScanFailure[] = [];
  for (const one of found) {
    const known =
      retryFailed || roots.includes(one.path) ? null : await library.findFile(collection, one.path);
    if (known === null || known.owned || !(await isMissing(one.path))) left.push(one);
  }
  return left;
}

/**
 * Files that the library knows below the roots but that are there no longer: reported, removed with `prune` unless their disk may not
 * be mounted.
 */
async function tellMissing(
  request: Extract<JobRequest, { type: 'index' }>,
  roots: readonly string[],
  present: readonly ScannedFile[],
  { library, indexer }: JobContext,
  recorder: Recorder,
): Promise<void> {
  const presentPaths = new Set(present.map((file) => file.path));
  for (const root of roots) {
    // An archive that is not mounted is no reason to forget it.
    if (await isGone(request.roots ? folderOf(root, request.roots) : root)) continue;
    for (const file of await library.filesBelow(request.collection, root)) {
      if (presentPaths.has(file.path) || file.owned) continue;
      const absence = await absenceOf(file);
      if (absence === 'there') continue;
      const isPruned = request.prune && absence === 'deleted';
      if (isPruned) {
        if (!(await library.removePlace(file))) continue;
        await indexer.forgetIfUnplaced(file.videoId);
      }
      await recorder.record({
        path: file.path,
        outcome: isPruned ? 'pruned' : 'missing',
        videoId: file.videoId,
        ...(absence === 'deleted' ? { code: null, message: null } : unmountedReason(absence)),
      });
    }
  }
}

/** The folder of the archive that a changed path belongs to. */
function folderOf(changed: string, folders: readonly string[]): string {
  return folders.find((folder) => !path.relative(folder, changed).startsWith('..')) ?? changed;
}

const TELL_INTERVAL_MS = 250;

class Recorder {
  readonly progress: ProgressTracker;
  readonly #context: JobContext;
  #toldAtMs = 0;

  constructor(context: JobContext, progress: ProgressTracker) {
    this.#context = context;
    this.progress = progress;
  }

  /** Tells how far the files in hand are, not more often than someone could read. */
  tellNow(): void {
    const nowMs = performance.now();
    if (nowMs - this.#toldAtMs < TELL_INTERVAL_MS) return;
    this.#toldAtMs = nowMs;
    this.#context.onProgress(this.progress.progress);
  }

  async record(file: JobFile): Promise<JobFile> {
    await this.#context.onFile(file, this.progress.progress);
    return file;
  }

  missing(path: string): Promise<JobFile> {
    const outcome = 'missing';
    const nothing = { sizeBytes: 0, segments: 0, videoSeconds: 0, durationSeconds: null };
    this.progress.finish({ path, outcome, ...nothing });
    return this.record({ path, outcome, videoId: null, code: null, message: null });
  }

  skipped(path: string, { code, message }: CliptraceError): Promise<JobFile> {
    return this.record({ path, outcome: 'skipped', videoId: null, code, message });
  }

  async indexed(file: { path: string; sizeBytes: number }, result: FileResult): Promise<JobFile> {
    const { path, sizeBytes } = file;
    const { outcome, videoId, segments, videoSeconds } = result;
    const durationSeconds = (await this.#context.library.getVideo(videoId))?.durationSeconds ?? null;
    const earlier = outcome === 'unchanged' ? await this.#earlier(path, videoId) : null;
    if (earlier) {
      this.progress.finish({ path, sizeBytes, durationSeconds, earlier: true, ...earlier.counted });
      this.tellNow();
      return earlier.file;
    }
    this.progress.finish({ path, sizeBytes, outcome, segments, videoSeconds, durationSeconds });
    return this.record({ path, outcome, videoId, code: null, message: null });
  }

  failed(file: { path: string; sizeBytes: number }, error: unknown): Promise<JobFile> {
    const { path, sizeBytes } = file;
    const outcome = 'failed';
    this.progress.finish({
      path,
      sizeBytes,
      outcome,
      segments: 0,
      videoSeconds: 0,
      durationSeconds: null,
    });
    return this.record({
      path,
      outcome,
      videoId: null,
      code: errorCodeOf(error),
      message: errorMessageOf(error),
    });
  }

  /** What this job did to the file before it was paused or interrupted: to find it done is no news. */
  async #earlier(path: string, videoId: number) {
    const file = await this.#context.recordedFile(path);
    if (file?.videoId !== videoId) return null;
    const embedded = file.outcome === 'indexed' || file.outcome === 'updated';
    const video = embedded ? await this.#context.library.getVideo(videoId) : null;
    const counted = {
      outcome: file.outcome,
      segments: video?.segmentCount ?? 0,
      videoSeconds: video?.durationSeconds ?? 0,
    };
    return { file, counted };
  }
}

/** Runs `work` over the files as they are admitted; stops at the first error, after what runs has ended. */
async function admitEach<File extends ScannedFile>(
  files: readonly File[],
  admission: Admission,
  work: (file: File) => Promise<unknown>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let failure: { error: unknown } | null = null;
  for (const file of files) {
    const leave = await admission.enter(file.sizeBytes);
    if (failure) {
      leave();
      break;
    }
    const one = work(file)
      .then(
        () => undefined,
        (error: unknown) => {
          failure ??= { error };
        },
      )
      .finally(() => {
        leave();
        running.delete(one);
      });
    running.add(one);
  }
  await Promise.all(running);
  if (failure) throw (failure as { error: unknown }).error;
}
