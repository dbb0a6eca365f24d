import { Presets, SingleBar } from 'cli-progress';
import type { JobEvent } from '../ingest/types.js';
import { formatTime, printable, type Terminal } from './output.js';

/** A progress bar on a terminal; elsewhere one line a file that was worked on. */
export class IndexProgress {
  readonly #terminal: Terminal;
  readonly #startedAtMs = performance.now();
  readonly #bar: SingleBar | null;
  #barStarted = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#bar = terminal.interactive
      ? new SingleBar(
          {
            format:
              ' {bar} {done}/{files} files | {speed} segments/s | {hours} h of video | ETA {left} | {file}',
            stream: process.stderr,
            clearOnComplete: true,
            hideCursor: true,
          },
          Presets.shades_classic,
        )
      : null;
  }

  tell(event: JobEvent): void {
    if (this.#bar) this.#draw(event, this.#bar);
    else if (event.type === 'file' && event.file.outcome !== 'unchanged') {
      const { outcome, path, code, message } = event.file;
      this.#terminal.err(
        [outcome.padEnd(9), code, printable(path), message && printable(message)].filter(Boolean).join('  '),
      );
    }
  }

  stop(): void {
    if (this.#barStarted) this.#bar?.stop();
  }

  #draw({ job: { progress } }: JobEvent, bar: SingleBar): void {
    const total = progress.bytesTotal ?? 0;
    const elapsedSeconds = (performance.now() - this.#startedAtMs) / 1000;
    const values = {
      done: progress.filesDone + progress.filesSkipped + progress.filesFailed,
      files: progress.filesTotal ?? '?',
      speed: (progress.segments / elapsedSeconds).toFixed(1),
      hours: (progress.videoSeconds / 3600).toFixed(2),
      left: progress.etaSeconds === null ? '?' : formatTime(progress.etaSeconds),
      file: printable(progress.currentFile ?? '').slice(-40),
    };
    if (this.#barStarted) bar.update(progress.bytesDone, values);
    else if (total > 0) {
      this.#barStarted = true;
      bar.start(total, progress.bytesDone, values);
    }
  }
}
