import { NO_PROGRESS } from '../library/jobs.js';
import type { FileOutcome, JobProgress } from '../library/types.js';

/** Counts what a job has done, and tells when it will be done, from the bytes of the files. */
export class ProgressTracker {
  readonly #startedAtMs = performance.now();
  #progress: JobProgress = NO_PROGRESS;
  /** Bytes of files that cost decoding: what is skipped says nothing about the speed. */
  #bytesWorked = 0;

  /** Files that are being worked on. */
  readonly #partial = new Map<string, Worked>();

  /** What is finished, and what is done of the files in hand. */
  get progress(): JobProgress {
    const partial = this.#partialSum();
    const { segments, videoSeconds, bytesDone } = this.#progress;
    return {
      ...this.#progress,
      segments: segments + partial.segments,
      videoSeconds: videoSeconds + partial.videoSeconds,
      bytesDone: bytesDone + partial.bytes,
      etaSeconds: this.#etaSeconds(partial.bytes),
    };
  }

  begin(filesTotal: number, bytesTotal: number, filesOther = 0): void {
    this.#progress = { ...this.#progress, filesTotal, bytesTotal, filesOther };
  }

  enter(file: string): void {
    this.#progress = { ...this.#progress, currentFile: file };
  }

  /** One more segment of a file in hand, which has been decoded up to `endSeconds`. */
  advance(file: {
    path: string;
    sizeBytes: number;
    endSeconds: number;
    durationSeconds: number | null;
  }): void {
    const { path, sizeBytes, endSeconds, durationSeconds } = file;
    const share = durationSeconds ? Math.min(1, endSeconds / durationSeconds) : 0;
    this.#partial.set(path, {
      segments: (this.#partial.get(path)?.segments ?? 0) + 1,
      videoSeconds: endSeconds,
      bytes: Math.round(sizeBytes * share),
    });
  }

  finish(file: {
    path: string;
    outcome: FileOutcome;
    sizeBytes: number;
    segments: number;
    videoSeconds: number;
  }): void {
    this.#partial.delete(file.path);
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
    this.#partial.clear();
    this.#progress = { ...this.#progress, currentFile: null };
    return { ...this.#progress, etaSeconds: 0 };
  }

  #partialSum(): Worked {
    const sum: Worked = { segments: 0, videoSeconds: 0, bytes: 0 };
    for (const { segments, videoSeconds, bytes } of this.#partial.values()) {
      sum.segments += segments;
      sum.videoSeconds += videoSeconds;
      sum.bytes += bytes;
    }
    return sum;
  }

  #etaSeconds(partialBytes: number): number | null {
    const { bytesTotal, bytesDone } = this.#progress;
    const worked = this.#bytesWorked + partialBytes;
    if (bytesTotal === null || worked === 0) return null;
    const bytesPerMs = worked / (performance.now() - this.#startedAtMs);
    return Math.max(0, Math.round((bytesTotal - bytesDone - partialBytes) / bytesPerMs / 1000));
  }
}

interface Worked {
  segments: number;
  videoSeconds: number;
  bytes: number;
}
