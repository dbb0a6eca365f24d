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

  /**
   * Every way in which a path may stand there, the one that is written first. One below the data folder may be absolute all the
   * same: the folder has come to that place since.
   */
  formsOf(path: string): string[] {
    const stored = this.toStored(path);
    return stored === path ? [path] : [stored, path];
  }

  /** Which relative paths `root` and what lies below it have: those from this one on, all, or none. */
  relativeBelow(root: string): { from: string } | 'all' | 'none' {
    const stored = this.toStored(root);
    if (stored !== root) return { from: root.endsWith(sep) ? `${stored}/` : stored };
    const toData = relative(resolve(root), this.#root);
    return toData === '..' || toData.startsWith(`..${sep}`) || isAbsolute(toData) ? 'none' : 'all';
  }
}
