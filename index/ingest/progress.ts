import { NO_PROGRESS } from '../library/jobs.js';
import type { FileOutcome, JobProgress } from '../library/types.js';
import { WorkRate } from './work-rate.js';

export interface FinishedFile {
  path: string;
  sizeBytes: number;
  outcome: FileOutcome;
  segments: number;
  /** That were embedded for it; 0 when it was known already. */
  videoSeconds: number;
  /** Length of its video; null when it has none that could be read. */
  durationSeconds: number | null;
  /** Finished by an earlier run of the same job, so it says nothing about the speed of this one. */
  earlier?: boolean | undefined;
}

interface InHand {
  sizeBytes: number;
  segments: number;
  doneSeconds: number;
  durationSeconds: number | null;
}

/**
 * Counts what a job has done, in seconds of video, and tells when it will be done. How long a file is that nobody has looked
 * into yet is guessed from its bytes and from the files that are known.
 */
export class ProgressTracker {
  #progress: JobProgress = NO_PROGRESS;
  readonly #inHand = new Map<string, InHand>();
  readonly #rate = new WorkRate();
  #waitingBytes = 0;
  #finishedSeconds = 0;
  /** Of finished files that have a length: what the guesses are made from. */
  #measuredBytes = 0;
  /** Seconds that had to be decoded, also those of files that failed midway. */
  #workedSeconds = 0;

  /** What is finished, and what is done of the files in hand. */
  get progress(): JobProgress {
    const partial = this.#partial();
    const { segments, videoSeconds, bytesDone } = this.#progress;
    const durationDoneSeconds = this.#finishedSeconds + partial.doneSeconds;
    const total = this.#total(partial);
    return {
      ...this.#progress,
      segments: segments + partial.segments,
      videoSeconds: videoSeconds + partial.doneSeconds,
      durationTotalSeconds: total,
      durationDoneSeconds,
      durationIsEstimate: partial.unknownBytes + this.#waitingBytes > 0,
      bytesDone: bytesDone + partial.bytes,
      etaSeconds: total === null ? null : this.#rate.secondsFor(total - durationDoneSeconds),
      filesInHand: [...this.#inHand].map(([path, file]) => ({
        path,
        doneSeconds: file.doneSeconds,
        durationSeconds: file.durationSeconds,
        segments: file.segments,
        bytesDone: bytesDoneOf(file),
      })),
    };
  }

  /** `filesTotal` may be more than the files with bytes: what could not be read counts, too. */
  begin(filesTotal: number, bytesTotal: number, filesOther = 0): void {
    this.#progress = { ...this.#progress, filesTotal, bytesTotal, filesOther };
    this.#waitingBytes = bytesTotal;
  }

  enter(file: { path: string; sizeBytes: number }): void {
    this.#leaveWaiting(file);
    const { sizeBytes } = file;
    this.#inHand.set(file.path, { sizeBytes, segments: 0, doneSeconds: 0, durationSeconds: null });
    this.#progress = { ...this.#progress, currentFile: file.path };
    this.#rate.at(this.#worked());
  }

  /** Out of hand again, to be taken in hand later. */
  putOff({ path, sizeBytes }: { path: string; sizeBytes: number }): void {
    if (this.#inHand.delete(path)) this.#waitingBytes += sizeBytes;
  }

  /** One more segment of a file in hand, which has been decoded up to `endSeconds`. */
  advance(file: { path: string; endSeconds: number; durationSeconds: number | null }): void {
    const entry = this.#inHand.get(file.path);
    if (!entry) return;
    // Decoded once more, alone, because its group had failed: what was counted comes again.
    if (file.endSeconds <= entry.doneSeconds) entry.segments = 0;
    entry.segments += 1;
    entry.doneSeconds = file.endSeconds;
    entry.durationSeconds = file.durationSeconds ?? entry.durationSeconds;
    this.#rate.at(this.#worked());
  }

  finish(file: FinishedFile): void {
    const entry = this.#inHand.get(file.path);
    if (entry) this.#inHand.delete(file.path);
    else this.#leaveWaiting(file);
    const worked = file.outcome === 'indexed' || file.outcome === 'updated';
    const failed = file.outcome === 'failed';
    this.#workedSeconds +=
      worked && !file.earlier ? file.videoSeconds : failed ? (entry?.doneSeconds ?? 0) : 0;
    if (file.durationSeconds !== null) {
      this.#finishedSeconds += file.durationSeconds;
      this.#measuredBytes += file.sizeBytes;
    }
    const progress = this.#progress;
    this.#progress = {
      ...progress,
      filesDone: progress.filesDone + (worked ? 1 : 0),
      filesFailed: progress.filesFailed + (failed ? 1 : 0),
      filesSkipped: progress.filesSkipped + (worked || failed ? 0 : 1),
      segments: progress.segments + file.segments,
      videoSeconds: progress.videoSeconds + file.videoSeconds,
      bytesDone: progress.bytesDone + file.sizeBytes,
    };
    this.#rate.at(this.#worked());
  }

  end(): JobProgress {
    this.#inHand.clear();
    this.#waitingBytes = 0;
    this.#progress = { ...this.#progress, currentFile: null };
    return { ...this.progress, etaSeconds: 0 };
  }

  #leaveWaiting({ sizeBytes }: { sizeBytes: number }): void {
    this.#waitingBytes = Math.max(0, this.#waitingBytes - sizeBytes);
  }

  #worked(): number {
    let seconds = this.#workedSeconds;
    for (const { doneSeconds } of this.#inHand.values()) seconds += doneSeconds;
    return seconds;
  }

  #partial() {
    const sum = { segments: 0, doneSeconds: 0, bytes: 0, knownSeconds: 0, knownBytes: 0, unknownBytes: 0 };
    for (const file of this.#inHand.values()) {
      const { sizeBytes, segments, doneSeconds, durationSeconds } = file;
      sum.bytes += bytesDoneOf(file);
      sum.segments += segments;
      sum.doneSeconds += doneSeconds;
      if (durationSeconds === null) sum.unknownBytes += sizeBytes;
      else {
        sum.knownSeconds += totalSecondsOf({ doneSeconds, durationSeconds });
        sum.knownBytes += sizeBytes;
      }
    }
    return sum;
  }

  #total(partial: { knownSeconds: number; knownBytes: number; unknownBytes: number; doneSeconds: number }) {
    if (this.#progress.bytesTotal === null) return null;
    const knownSeconds = this.#finishedSeconds + partial.knownSeconds;
    const knownBytes = this.#measuredBytes + partial.knownBytes;
    const unknownBytes = this.#waitingBytes + partial.unknownBytes;
    if (unknownBytes === 0) return knownSeconds;
    if (knownBytes === 0) return null;
    const guessed = knownSeconds + (unknownBytes * knownSeconds) / knownBytes;
    return Math.max(guessed, this.#finishedSeconds + partial.doneSeconds);
  }
}

/** A header may promise less than the file holds. */
function totalSecondsOf({
  doneSeconds,
  durationSeconds,
}: {
  doneSeconds: number;
  durationSeconds: number;
}): number {
  return Math.max(durationSeconds, doneSeconds);
}

function bytesDoneOf({ sizeBytes, doneSeconds, durationSeconds }: InHand): number {
  if (durationSeconds === null) return 0;
  const totalSeconds = totalSecondsOf({ doneSeconds, durationSeconds });
  return totalSeconds > 0 ? Math.round((sizeBytes * doneSeconds) / totalSeconds) : 0;
}
