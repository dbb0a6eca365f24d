import { isAbsolute, join, relative, resolve, sep } from 'node:path';

/**
 * How paths stand in the library: those of the data folder relative to it, with slashes, so that the folder can be moved,
 * mounted elsewhere or reached through a link; all others absolute, as the archive has them.
 */
export class StoredPaths {
  readonly #root: string;

  constructor(root: string) {
    this.#root = resolve(root);
  }

  toStored(path: string): string {
    const below = relative(this.#root, path);
    const isBelow = below !== '' && !isAbsolute(below) && below !== '..' && !below.startsWith(`..${sep}`);
    return isBelow ? below.replaceAll(sep, '/') : path;
  }

  fromStored(stored: string): string {
    return isAbsolute(stored) ? stored : join(this.#root, stored);
  }
}
