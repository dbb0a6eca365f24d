import { cpSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { OpenedCliptrace } from '../../index/cliptrace.js';
import { FolderWatch } from '../../index/watch/folder-watch.js';
import { createWorkspace, indexInto, SAMPLES_FOLDER, type Workspace } from '../helpers/workspace.js';
import { until } from '../server/tools/http.js';

const NAMES = ['bottle-detection.mp4', 'classroom.mp4'] as const;

let workspace: Workspace;
const videos = (...names: string[]) => path.join(workspace.data, 'videos', ...names);

/** Two videos of an archive in the data folder, indexed. */
beforeEach(async () => {
  workspace = createWorkspace();
  mkdirSync(videos(), { recursive: true });
  for (const name of NAMES)
    cpSync(path.join(SAMPLES_FOLDER, name), videos(name), { preserveTimestamps: true });
  await opened((cliptrace) => indexInto(cliptrace, [videos()]));
});

afterEach(() => workspace.remove());

const opened = <T>(work: (cliptrace: OpenedCliptrace) => Promise<T>) => workspace.opened(work);

const places = () =>
  opened(async ({ library }) => (await library.filesBelow('default', '/')).map((file) => file.path));

it('is pruned, relocated, and found again', async () => {
  rmSync(videos(NAMES[0]));
  const told = await opened((cliptrace) => indexInto(cliptrace, [videos()], { prune: true }));
  expect(told.files.map(({ outcome }) => outcome).sort()).toEqual(['pruned', 'unchanged']);
  expect(await places()).toEqual([videos(NAMES[1])]);
  renameSync(videos(), workspace.archive);
  const relocated = await workspace.cli(['relocate', videos(), workspace.archive, '--json']);
  expect([relocated.code, JSON.parse(relocated.stdout)]).toMatchObject([0, { moved: 1 }]);
  expect(await places()).toEqual([path.join(workspace.archive, NAMES[1])]);
});

it('loses what is deleted while it is watched', async () => {
  await opened(async (cliptrace) => {
    await cliptrace.jobs.start();
    const watch = new FolderWatch({
      ...{ roots: [videos()], collection: 'default', labelFrom: null, prune: true },
      ...{ library: cliptrace.library, jobs: cliptrace.jobs, modelId: cliptrace.encoder.manifest.id },
      ...{ exclude: [cliptrace.dataFolder.root], settleMs: 200, rescanMs: 500 },
    });
    await watch.start();
    try {
      rmSync(videos(NAMES[0]));
      const left = async () => (await cliptrace.library.filesBelow('default', videos())).length;
      await until('one to be forgotten', async () => (await left()) === 1);
    } finally {
      await watch.stop();
    }
  });
});

it('moves with the folder, and stays where it is when a backup is restored elsewhere', async () => {
  const backup = path.join(workspace.root, 'backup.tar');
  expect((await workspace.cli(['backup', backup])).code).toBe(0);
  const elsewhere = path.join(workspace.root, 'elsewhere');
  const verify = (data: string) => workspace.cli(['verify', '--json', '--data', data]);
  expect((await workspace.cli(['restore', backup, '--data', elsewhere])).code).toBe(0);
  const restored = await verify(elsewhere);
  expect(restored.code, restored.stdout).toBe(0);
  const unchanged = await workspace.cli(['index', videos(), '--prune', '--json', '--data', elsewhere]);
  expect(JSON.parse(unchanged.stdout).counts).toMatchObject({ unchanged: 2, pruned: 0, missing: 0 });

  // Back in its own place it is the folder's again, and moves with it.
  expect((await workspace.cli(['restore', backup, '--replace'])).code).toBe(0);
  expect((await verify(workspace.data)).code).toBe(0);
  expect(await places()).toEqual(NAMES.map((name) => videos(name)));
  const moved = path.join(workspace.root, 'moved');
  renameSync(workspace.data, moved);
  const found = await verify(moved);
  expect(found.code, found.stdout).toBe(0);
});
