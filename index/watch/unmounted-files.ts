import { readdir } from 'node:fs/promises';
import { CliptraceError } from '../errors.js';
import { absenceOf } from '../ingest/absence.js';
import type { VideoFile } from '../library/types.js';

/** Files that are not forgotten because their disk may not be mounted; each such folder is told of once, until something is there again. */
export class UnmountedFiles {
  readonly #tell: (problem: CliptraceError) => void;
  readonly #noted = new Map<string, Set<string>>();
  readonly #told = new Set<string>();

  constructor(tell: (problem: CliptraceError) => void) {
    this.#tell = tell;
  }

  /** Whether the file is certainly gone. One whose disk may not be mounted is noted. */
  async isDeleted(file: VideoFile): Promise<boolean> {
    const absence = await absenceOf(file);
    if (typeof absence === 'string') return absence === 'deleted';
    const files = this.#noted.get(absence.folder) ?? new Set();
    this.#noted.set(absence.folder, files.add(file.path));
    return false;
  }

  /** Tells of what was noted since the last time. */
  tell(): void {
    for (const [folder, { size }] of this.#noted) {
      if (this.#told.has(folder)) continue;
      this.#told.add(folder);
      this.#tell(
        new CliptraceError(
          'DISK_NOT_MOUNTED',
          `${folder} is empty and lies on another disk than ${size} file${size === 1 ? '' : 's'} of the library did: its disk may not be mounted, so nothing there is forgotten`,
        ),
      );
    }
    this.#noted.clear();
  }

  /** What has been mounted is told of again when it is gone the next time. */
  async lookAgain(): Promise<void> {
    for (const folder of this.#told) {
      const names = await readdir(folder).catch(() => []);
      if (names.length > 0) this.#told.delete(folder);
    }
  }
}
