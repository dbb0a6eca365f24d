import { NO_PROGRESS } from '../library/jobs.js';
import type { FileOutcome, JobProgress } from '../library/types.js';

/** Counts what a job has done, and tells when it will be done, from the bytes of the files. */
export class ProgressTracker {
  readonly #startedAtMs = performance.now();
  #progress: JobProgress = NO_PROGRESS;
  /** Bytes of files that cost decoding: what is skipped says nothing about the speed. */
  #bytesWorked = 0;

  get progress(): JobProgress {
    return { ...this.#progress, etaSeconds: this.#etaSeconds() };
  }

  begin(filesTotal: number, bytesTotal: number): void {
    this.#progress = { ...this.#progress, filesTotal, bytesTotal };
  }

  enter(file: string): void {
    this.#progress = { ...this.#progress, currentFile: file };
  }

  finish(file: { outcome: FileOutcome; sizeBytes: number; segments: number; videoSeconds: number }): void {
    const progress = this.#progress;
    const worked = file.outcome === 'indexed' || file.outcome === 'updated';
    const failed = file.outcome === 'failed';
    if (worked || failed) this.#bytesWorked += file.sizeBytes;
    this.#progress = {
      ...progress,
      filesDone: progress.filesDone + (worked ? 1 : 0),
      filesFailed: progress.filesFailed + (failed ? 1 : 0),
      filesSkipped: progress.filesSkipped + (worked || failed ? 0 : 1),
      segments: progress.segments + file.segments,
      videoSeconds: progress.videoSeconds + file.videoSeconds,
      bytesDone: progress.bytesDone + file.sizeBytes,
    };
  }

  end(): JobProgress {
    this.#progress = { ...this.#progress, currentFile: null };
    return { ...this.#progress, etaSeconds: 0 };
  }

  #etaSeconds(): number | null {
    const { bytesTotal, bytesDone } = this.#progress;
    if (bytesTotal === null || this.#bytesWorked === 0) return null;
    const bytesPerMs = this.#bytesWorked / (performance.now() - this.#startedAtMs);
    return Math.round((bytesTotal - bytesDone) / bytesPerMs / 1000);
  }
}
