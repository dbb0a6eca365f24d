import type { MediaLimits } from '../media/types.js';

/** A file of more bytes is worth a process of its own. */
const SMALL_BYTES = 1024 ** 2;
/** The start of ffmpeg, up to 110 ms of processor time, is then an eighth of that for each; and eight decoders' frames fit any memory. */
export const MAX_GROUP_FILES = 8;

/** How many short files share a process: fewer where damaged ones among them make the work be done twice. */
export class GroupSize {
  #limit = MAX_GROUP_FILES;

  get limit(): number {
    return this.#limit;
  }

  tell(wentWell: boolean): void {
    this.#limit = wentWell
      ? Math.min(MAX_GROUP_FILES, this.#limit + 1)
      : Math.max(1, Math.floor(this.#limit / 2));
  }
}

export interface Groupable {
  sizeBytes: number;
  /** Of the job: what is cancelled together. */
  signal: AbortSignal;
  limits: MediaLimits;
}

export function isSmall({ sizeBytes }: Groupable): boolean {
  return sizeBytes <= SMALL_BYTES;
}

/**
 * Takes the files of the next process out of those that wait (one at least): the first, and where that is small others of its
 * kind, but no more than leaves something for the other free processes.
 */
export function splitOffGroup<T extends Groupable>(waiting: T[], limit: number, freeProcesses: number): T[] {
  const group = waiting.splice(0, 1);
  const [first] = group;
  if (!first || !isSmall(first)) return group;
  const others = waiting.filter(
    (file) => isSmall(file) && file.signal === first.signal && file.limits === first.limits,
  );
  const size = Math.min(limit, Math.ceil((others.length + 1) / freeProcesses));
  for (const file of others.slice(0, size - 1)) {
    waiting.splice(waiting.indexOf(file), 1);
    group.push(file);
  }
  return group;
}
