import path from 'node:path';
import { Presets, SingleBar } from 'cli-progress';
import type { JobEvent } from '../ingest/types.js';
import type { Job, JobProgress } from '../library/types.js';
import { formatTime, printable, type Terminal } from './output.js';

/** Without a bar, how far the whole is is told this often. */
const LINE_INTERVAL_MS = 30_000;
/** An evaluation has no bar. */
const QUERIES_LINE_INTERVAL_MS = 5000;
const NAME_LENGTH = 32;

/** A progress bar on a terminal; elsewhere one line a file that was worked on, and now and then one for the whole. */
export class IndexProgress {
  readonly #terminal: Terminal;
  readonly #startedAtMs = performance.now();
  readonly #bar: SingleBar | null;
  #barStarted = false;
  #stopped = false;
  #lineAtMs = performance.now();
  #paused = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#bar = terminal.interactive
      ? new SingleBar(
          {
            format:
              ' {bar} {percentage} % | {hours} of {total} of video | {done}/{files} files | {speed} segments/s | {left} | {file}',
            stream: process.stderr,
            clearOnComplete: true,
            hideCursor: true,
          },
          Presets.shades_classic,
        )
      : null;
  }

  tell(event: JobEvent): void {
    this.#tellPaused(event.job);
    if (this.#bar) this.#draw(event.job.progress, this.#bar);
    else if (event.type === 'file' && event.file.outcome !== 'unchanged') {
      const { outcome, path, code, message } = event.file;
      this.#terminal.err(
        [outcome.padEnd(9), code, printable(path), message && printable(message)].filter(Boolean).join('  '),
      );
    }
    const isEvaluation = !['index', 'upload'].includes(event.job.request.type);
    const intervalMs = isEvaluation ? QUERIES_LINE_INTERVAL_MS : LINE_INTERVAL_MS;
    if ((isEvaluation || !this.#bar) && performance.now() - this.#lineAtMs > intervalMs) {
      this.#lineAtMs = performance.now();
      this.#terminal.err(progressLine(event.job.progress));
    }
  }

  stop(): void {
    if (this.#barStarted && !this.#stopped) this.#bar?.stop();
    this.#stopped = true;
  }

  #tellPaused({ id, status }: Job): void {
    if (this.#paused === (status === 'paused')) return;
    this.#paused = status === 'paused';
    this.#terminal.err(
      this.#paused
        ? `Job ${id} is paused: \`cliptrace jobs resume ${id}\` lets it go on`
        : `Job ${id} goes on`,
    );
  }

  #draw(progress: JobProgress, bar: SingleBar): void {
    const total = progress.durationTotalSeconds ?? 0;
    if (this.#stopped || total === 0) return;
    const elapsedSeconds = (performance.now() - this.#startedAtMs) / 1000;
    const done = Math.min(total, progress.durationDoneSeconds);
    const values = {
      done: filesEnded(progress),
      files: progress.filesTotal ?? '?',
      speed: (progress.segments / elapsedSeconds).toFixed(1),
      hours: formatTime(done),
      total: totalText(progress),
      left: leftText(progress),
      file: inHandText(progress),
    };
    if (this.#barStarted) {
      bar.setTotal(total);
      bar.update(done, values);
    } else {
      this.#barStarted = true;
      bar.start(total, done, values);
    }
  }
}

/** `12 of 120 files, 0:38:10.0 of about 5:10:00.0 of video, ETA 4:12.0; now clip.mp4 42 %`. */
export function progressLine(progress: JobProgress): string {
  if (progress.queriesTotal !== null) return `${progress.queriesDone} of ${progress.queriesTotal} queries`;
  const files = `${filesEnded(progress)} of ${progress.filesTotal ?? '?'} files`;
  const video = `${formatTime(progress.durationDoneSeconds)} of ${totalText(progress)} of video`;
  const inHand = inHandText(progress);
  return `${files}, ${video}, ${leftText(progress)}${inHand ? `; now ${inHand}` : ''}`;
}

function filesEnded({ filesDone, filesSkipped, filesFailed }: JobProgress): number {
  return filesDone + filesSkipped + filesFailed;
}

function totalText({ durationTotalSeconds, durationIsEstimate }: JobProgress): string {
  if (durationTotalSeconds === null) return '?';
  return `${durationIsEstimate ? 'about ' : ''}${formatTime(durationTotalSeconds)}`;
}

function leftText({ etaSeconds }: JobProgress): string {
  return `ETA ${etaSeconds === null ? '?' : formatTime(etaSeconds)}`;
}

/** Each file that is being embedded, and how much of it is done. */
function inHandText({ filesInHand }: JobProgress): string {
  return filesInHand
    .map((file) => {
      const name = printable(path.basename(file.path)).slice(-NAME_LENGTH);
      if (!file.durationSeconds) return name;
      return `${name} ${Math.min(100, Math.floor((100 * file.doneSeconds) / file.durationSeconds))} %`;
    })
    .join(', ');
}
