import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenedCliptrace } from '../../index/cliptrace.js';
import type { CliptraceError } from '../../index/errors.js';
import { absenceOf, deviceOf, isUnmounted } from '../../index/ingest/absence.js';
import { openDatabase } from '../../index/library/database.js';
import { FolderWatch } from '../../index/watch/folder-watch.js';
import { canMount, mount } from '../helpers/full-disk.js';
import { createWorkspace, indexInto, SAMPLES_FOLDER, type Workspace } from '../helpers/workspace.js';
import { until } from '../server/tools/http.js';

const NAMES = ['bottle-detection.mp4', 'classroom.mp4'] as const;
const OTHER = 'car-detection.mp4';
const DISK_BYTES = 64 * 1024 * 1024;

let workspace: Workspace;
let mounted: string[];
const inArchive = (...names: string[]) => path.join(workspace.archive, ...names);

beforeEach(() => {
  workspace = createWorkspace();
  mounted = [];
});
afterEach(() => {
  for (const folder of mounted) execFileSync('umount', ['-l', folder]);
  workspace.remove();
});

function addSample(name: string, ...to: string[]): string {
  const target = path.join(...to, name);
  mkdirSync(path.dirname(target), { recursive: true });
  cpSync(path.join(SAMPLES_FOLDER, name), target, { preserveTimestamps: true });
  return target;
}

const opened = <T>(work: (cliptrace: OpenedCliptrace) => Promise<T>) => workspace.opened(work);

const pruned = (...roots: string[]) => opened((cliptrace) => indexInto(cliptrace, roots, { prune: true }));
const titles = () =>
  opened(async ({ library }) =>
    (await library.listVideos({ limit: 9 })).videos.map(({ title }) => title).sort(),
  );

describe('the decision', () => {
  const other = 'another device';
  const folder = (name: string) => {
    mkdirSync(inArchive(name), { recursive: true });
    return inArchive(name);
  };

  it('goes by the device that was noted, if any was', () => {
    expect(isUnmounted('8:1', '8:2')).toBe(true);
    expect(isUnmounted('8:1', '8:1')).toBe(false);
    expect(isUnmounted(null, '8:1')).toBe(false);
    expect(isUnmounted(undefined, '8:1')).toBe(false);
  });

  it('takes an empty folder on another device for a mount point, however deep the file lay', async () => {
    const disk = folder('disk');
    for (const name of ['a.mp4', 'deep/er/a.mp4']) {
      const file = { path: path.join(disk, name), device: other };
      expect(await absenceOf(file)).toEqual({ folder: disk });
      expect(await absenceOf({ ...file, device: String(statSync(disk).dev) })).toBe('deleted');
      expect(await absenceOf({ ...file, device: null })).toBe('deleted');
    }
    const there = addSample(OTHER, disk, 'deep');
    // No longer empty.
    expect(await absenceOf({ path: path.join(disk, 'a.mp4'), device: other })).toBe('deleted');
    expect(await absenceOf({ path: path.join(disk, 'deep', 'er', 'a.mp4'), device: other })).toBe('deleted');
    expect(await absenceOf({ path: there, device: other })).toBe('there');
    // Something else in its place is no mount point.
    expect(await absenceOf({ path: folder('empty.mp4'), device: other })).toBe('deleted');
    writeFileSync(inArchive('text'), 'no folder');
    expect(await absenceOf({ path: inArchive('text', 'a.mp4'), device: other })).toBe('deleted');
  });

  it('follows links to files and folders that are gone', async () => {
    const disk = folder('disk');
    symlinkSync('disk/deep/a.mp4', inArchive('file.mp4'));
    symlinkSync(path.join(disk, 'deep'), inArchive('folder'));
    symlinkSync('disk', inArchive('whole'));
    symlinkSync('round', inArchive('round'));
    for (const name of ['file.mp4', 'folder/a.mp4']) {
      expect(await absenceOf({ path: inArchive(name), device: other }), name).toEqual({ folder: disk });
    }
    expect(await absenceOf({ path: inArchive('whole', 'a.mp4'), device: other })).toEqual({
      folder: inArchive('whole'),
    });
    expect(await absenceOf({ path: inArchive('round', 'a.mp4'), device: other })).not.toBe('deleted');
    const file = addSample(OTHER, disk);
    symlinkSync(file, inArchive('link.mp4'));
    expect(await deviceOf(inArchive('link.mp4'), statSync(file))).toBe(String(statSync(disk).dev));
  });
});

it('notes the device of each file, also of those that were indexed before it did', async () => {
  for (const name of NAMES) addSample(name, workspace.archive);
  await pruned(workspace.archive);
  const device = String(statSync(workspace.archive).dev);
  const devices = () =>
    opened(async ({ library }) =>
      (await library.filesBelow('default', workspace.archive)).map((file) => file.device),
    );
  expect(await devices()).toEqual([device, device]);
  const database = openDatabase(path.join(workspace.data, 'library.sqlite'), { readonly: false });
  database.exec('UPDATE files SET device = NULL');
  expect((await pruned(workspace.archive)).files.map(({ outcome }) => outcome)).toEqual([
    'unchanged',
    'unchanged',
  ]);
  expect(await devices()).toEqual([device, device]);
  // Where another disk was mounted, the folder that is left is not taken at its word.
  database.prepare('UPDATE files SET device = ? WHERE path LIKE ?').run('77', `%${NAMES[0]}`);
  database.close();
  for (const name of NAMES) rmSync(inArchive(name));
  const { files } = await pruned(workspace.archive);
  expect(files.map(({ path: file, outcome, code }) => [path.basename(file), outcome, code])).toEqual([
    [NAMES[0], 'missing', 'DISK_NOT_MOUNTED'],
    [NAMES[1], 'pruned', null],
  ]);
  const { code, stdout } = await workspace.cli(['index', workspace.archive, '--prune']);
  expect(code).toBe(0);
  expect(stdout).toContain(`On a disk that may not be mounted:\n  1 file: ${workspace.archive} is empty`);
  expect(stdout).not.toContain('--prune)');
});

describe.runIf(canMount())('a disk that is taken away', () => {
  const disk = () => inArchive('disk1');

  function mountDisk(): void {
    mkdirSync(disk(), { recursive: true });
    mount(disk(), DISK_BYTES);
    mounted.push(disk());
    for (const name of NAMES) addSample(name, disk(), 'deep');
  }

  function unmountDisk(): void {
    execFileSync('umount', [disk()]);
    mounted.pop();
    expect(readdirSync(disk())).toEqual([]);
  }

  it('keeps its videos when archive or mount point are pruned, until they are deleted from it', async () => {
    mountDisk();
    addSample(OTHER, workspace.archive);
    await pruned(workspace.archive);
    unmountDisk();
    for (const root of [workspace.archive, disk(), inArchive('disk1', '..', 'disk1')]) {
      const { files } = await pruned(root);
      const missing = files.filter(({ outcome }) => outcome === 'missing');
      expect(missing.map(({ code, message }) => [code, message?.split(' ')[0]])).toEqual(
        NAMES.map(() => ['DISK_NOT_MOUNTED', disk()]),
      );
    }
    // A copy elsewhere is a copy, not the file itself.
    addSample(NAMES[0], workspace.archive);
    expect((await pruned(workspace.archive)).outcomeOf(inArchive(NAMES[0]))).toBe('duplicate');
    expect(await titles()).toHaveLength(3);

    mountDisk();
    rmSync(inArchive('disk1', 'deep'), { recursive: true });
    // An emptied disk is on its own device: taken at its word.
    const { files } = await pruned(disk());
    expect(files.map(({ outcome }) => outcome)).toEqual(['pruned', 'pruned']);
    expect(await titles()).toEqual(['bottle-detection', 'car-detection']);
  });

  it.each([true, false])('keeps its videos while it is followed (listening: %s)', async (listen) => {
    mountDisk();
    addSample(OTHER, workspace.archive);
    await pruned(workspace.archive);
    const problems: CliptraceError[] = [];
    await opened(async (cliptrace) => {
      const { library, jobs } = cliptrace;
      await jobs.start();
      const watch = new FolderWatch({
        ...{
          roots: [workspace.archive],
          collection: 'default',
          labelFrom: null,
          prune: true,
          library,
          jobs,
          listen,
        },
        ...{ modelId: cliptrace.encoder.manifest.id, exclude: [cliptrace.dataFolder.root] },
        ...{ settleMs: 200, rescanMs: 400, onProblem: (problem) => problems.push(problem) },
      });
      await watch.start();
      try {
        const left = async () => (await library.filesBelow('default', workspace.archive)).length;
        unmountDisk();
        rmSync(inArchive(OTHER));
        await until('the other to be forgotten', async () => (await left()) === 2);
        await sleep(1500);
        expect(await left()).toBe(2);
        expect(problems.map(({ code, message }) => [code, message.includes(`${disk()} is empty`)])).toEqual([
          ['DISK_NOT_MOUNTED', true],
        ]);
        expect(problems[0]?.message).toContain('2 files');
        mountDisk();
        await sleep(1500);
        rmSync(inArchive('disk1', 'deep', NAMES[0]));
        await until('what is deleted from it to be forgotten', async () => (await left()) === 1);
      } finally {
        await watch.stop();
      }
    });
    expect(await titles()).toEqual(['classroom']);
  });
});
