import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { restoreBackup } from '../../index/backup/restore.js';
import { writeBackup } from '../../index/backup/write-backup.js';
import { openDataFolder } from '../../index/library/data-folder.js';
import { openLibrary } from '../../index/library/sqlite-library.js';
import { CliptraceClient } from '../../server/client/index.js';
import { createWorkspace, type Workspace } from '../helpers/workspace.js';
import { type LiveServer, samplePath, startLiveServer } from '../server/tools/live-server.js';
import { blobOf, webhookConfiguration } from '../webhooks/live-watches.js';

let live: LiveServer;
let workspace: Workspace;

beforeEach(async () => {
  workspace = createWorkspace();
  live = await startLiveServer({ videos: ['people-detection'], configuration: webhookConfiguration() });
});

afterEach(async () => {
  await live.close();
  workspace.remove();
});

it('a backup holds watches with their clips and what is pending; the clips are no strays, and survive a start', async () => {
  const client = new CliptraceClient({ url: live.url });
  const clip = samplePath('classroom');
  const { id, secret } = await client.createWatch(await blobOf(clip), { url: 'http://127.0.0.1:1/' });
  await live.cliptrace.library.watches.createDelivery({
    ...{ watchId: id, messageId: 'msg_1', type: 'watch.matched', videoId: 1, contentHash: 'x', body: '{}' },
  });
  const file = path.join(workspace.root, 'backup.tar');
  const { dataFolder } = live.cliptrace;
  const summary = await writeBackup({ dataFolder, file, programVersion: '0' });
  expect(summary).toMatchObject({ uploads: 1, lostUploads: [] });
  expect(statSync(file).mode & 0o077).toBe(0);

  const restored = await openDataFolder(workspace.data, { create: true });
  await restoreBackup({ file, dataFolder: restored, replace: false });
  const started = await workspace.open();
  await started.close();
  const verified = await workspace.cli(['verify', '--json']);
  expect([verified.code, verified.stdout]).toEqual([0, expect.not.stringContaining('STRAY')]);
  const library = await openLibrary({ dataFolder: restored, mode: 'read' });
  try {
    expect(await library.watches.get(id)).toMatchObject({ secret, status: 'active' });
    const [kept] = await library.watches.clipPaths();
    expect(readFileSync(kept as string).equals(readFileSync(clip))).toBe(true);
    const { items } = await library.watches.listDeliveries({ watchId: id, limit: 5 });
    expect(items).toMatchObject([{ messageId: 'msg_1', status: 'pending' }]);
  } finally {
    await library.close();
  }
});
