import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** `mount`: each folder is a small disk of its own. `preload`: writes below it are refused in the child processes. */
export type FullDiskWay = 'mount' | 'preload';

export interface FullDisks {
  way: FullDiskWay;
  /** For the processes that are to feel it. */
  env: Record<string, string>;
  /** From now on no more than so many bytes can be written to the folder: in all (`mount`), to each file (`preload`). */
  fill(folder: string, leaveBytes?: number): void;
  /** Only what the path fragment names is refused; `preload` alone can do so. */
  fillOnly(fragment: string): void;
  /** Undoes both. */
  free(folderOrFragment: string): void;
  remove(): void;
}

const DISK_BYTES = 64 * 1024 * 1024;

/** The ways that this machine allows, the truer one first. TEST_FULL_DISK names the only one to take. */
export function fullDiskWays(): FullDiskWay[] {
  const ways: FullDiskWay[] = [];
  if (canMount()) ways.push('mount');
  if (canPreload()) ways.push('preload');
  const wanted = process.env.TEST_FULL_DISK;
  return wanted === undefined ? ways : ways.filter((way) => way === wanted);
}

/** Makes each of the folders one that can be filled, outer ones first. */
export function createFullDisks(way: FullDiskWay, folders: readonly string[]): FullDisks {
  for (const folder of folders) {
    mkdirSync(folder, { recursive: true });
    if (way === 'mount') mount(folder, DISK_BYTES);
  }
  return way === 'mount' ? mountedDisks(folders) : preloadedDisks();
}

function mountedDisks(folders: readonly string[]): FullDisks {
  const filler = (folder: string) => path.join(folder, 'filler');
  return {
    way: 'mount',
    env: {},
    fill: (folder, leaveBytes = 0) => {
      const { bavail, bsize } = statfsSync(folder);
      try {
        writeFileSync(filler(folder), Buffer.alloc(bavail * bsize - leaveBytes));
      } catch (error) {
        // Another process took some of it meanwhile: then this wrote as much as there was.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    },
    free: (folder) => rmSync(filler(folder), { force: true }),
    fillOnly: () => {
      throw new Error('A mounted disk is full for everything on it');
    },
    remove: () => {
      for (const folder of [...folders].reverse()) execFileSync('umount', ['-l', folder]);
    },
  };
}

function preloadedDisks(): FullDisks {
  const scratch = mkdtempSync(path.join(tmpdir(), 'cliptrace-full-disk-'));
  const library = compile(scratch);
  const control = path.join(scratch, 'control');
  /** Bytes that a file may have, by a part of its path. */
  const limits = new Map<string, number>();
  const tell = () =>
    writeFileSync(control, [...limits].map(([part, bytes]) => `${bytes} ${part}`).join('\n'));
  tell();
  return {
    way: 'preload',
    env: { LD_PRELOAD: library, FULL_DISK_CONTROL: control },
    fill: (folder, leaveBytes = 0) => {
      limits.set(`${folder}/`, leaveBytes);
      tell();
    },
    fillOnly: (fragment) => {
      limits.set(fragment, 0);
      tell();
    },
    free: (folderOrFragment) => {
      limits.delete(`${folderOrFragment}/`);
      limits.delete(folderOrFragment);
      tell();
    },
    remove: () => rmSync(scratch, { recursive: true, force: true }),
  };
}

export function canMount(): boolean {
  const folder = mkdtempSync(path.join(tmpdir(), 'cliptrace-mount-'));
  try {
    mount(folder, 1024 * 1024);
    execFileSync('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A disk of its own in the place of the folder. */
export function mount(folder: string, bytes: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder], { stdio: 'pipe' });
}

function canPreload(): boolean {
  if (process.platform !== 'linux') return false;
  const scratch = mkdtempSync(path.join(tmpdir(), 'cliptrace-cc-'));
  try {
    compile(scratch);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function compile(folder: string): string {
  const source = fileURLToPath(new URL('./full-disk.c', import.meta.url));
  const library = path.join(folder, 'full-disk.so');
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl'], { stdio: 'pipe' });
  return library;
}
