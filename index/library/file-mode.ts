import { chmodSync, closeSync, openSync, statSync } from 'node:fs';

const OWNER_ONLY = 0o600;
const OTHERS = 0o007;

/**
 * The library holds the secrets that webhooks are signed with: other users of the machine may not read it. A new file is made so (SQLite gives
 * the files beside it the same mode); of an older one the rights of others are taken away, those of its group stay.
 */
export function keepFromOthers(file: string): void {
  try {
    closeSync(openSync(file, 'ax', OWNER_ONLY));
  } catch (error) {
    // What keeps it from being made or opened is told by who opens it next.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return;
    for (const path of [file, `${file}-wal`, `${file}-shm`]) withoutOthers(path);
  }
}

function withoutOthers(path: string): void {
  try {
    const { mode } = statSync(path);
    if ((mode & OTHERS) !== 0) chmodSync(path, mode & 0o777 & ~OTHERS);
  } catch {
    // It is not there, or another user's: no worse than before.
  }
}
