import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, readdirSync, renameSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { OpenedCliptrace } from '../../index/cliptrace.js';
import { createWorkspace, indexInto, type Workspace } from '../helpers/workspace.js';
import { samplePath } from '../server/tools/live-server.js';
import { blobOf, serving } from '../webhooks/live-watches.js';

const OTHER_MODEL = { CLIPTRACE_PRECISION: 'int8' };
const UPLOADED = { title: 'Faces at the door', label: 'faces', collection: 'door' };

let workspace: Workspace;

beforeEach(async () => {
  workspace = createWorkspace();
  await workspace.addSample('classroom.mp4');
});

afterEach(() => workspace.remove());

/** A library with a video of an archive and an upload, as a server leaves it; the path of the upload. */
async function withUpload(): Promise<string> {
  const cliptrace = await workspace.open();
  await indexInto(cliptrace, [workspace.archive], { collection: UPLOADED.collection });
  await serving(cliptrace, async (client) => {
    await cliptrace.jobs.start();
    const blob = await blobOf(samplePath('head-pose-face-detection-male'));
    const job = await client.addVideo(blob, { ...UPLOADED, meta: { camera: '3' } });
    expect((await cliptrace.jobs.wait(job.id)).status).toBe('done');
  });
  const [name] = readdirSync(path.join(workspace.data, 'media'));
  return path.join(workspace.data, 'media', name as string);
}

/** The upload is what it was, and the model in use finds it; with nothing of it doubled. */
async function expectWhole(cliptrace: OpenedCliptrace, upload: string): Promise<void> {
  const { library, encoder, dataFolder } = cliptrace;
  expect(existsSync(upload)).toBe(true);
  const files = await library.ownedFiles();
  expect(files).toEqual([expect.objectContaining({ path: upload, videoId: 2, owned: true })]);
  expect(await library.filesOf(2)).toEqual(files);
  expect(await library.getVideo(2)).toMatchObject(UPLOADED);
  expect((await library.metadataOf([2])).get(2)).toEqual({ camera: '3' });
  expect((await library.listVideos({ limit: 10 })).totalCount).toBe(2);
  expect(await library.hasSegments(2, encoder.manifest.id)).toBe(true);
  expect(readdirSync(dataFolder.thumbnailsFolder).filter((name) => name.startsWith('2-'))).toHaveLength(1);
  const { hits } = await cliptrace.searcher.search({ query: { kind: 'file', filePath: upload }, k: 3 });
  expect(hits[0]?.video.id).toBe(2);
}

it('a start with another model embeds uploads again, once; to cancel or interrupt that loses none', async () => {
  const upload = await withUpload();
  let cliptrace = await workspace.open('write', OTHER_MODEL);
  const { id: otherModel } = cliptrace.encoder.manifest;
  expect(await cliptrace.library.hasSegments(2, otherModel)).toBe(false);
  const [queued] = await cliptrace.jobs.queueStaleUploads();
  expect(queued?.request).toMatchObject({ type: 'index', paths: [], collection: 'door' });
  expect(await cliptrace.jobs.queueStaleUploads()).toEqual([]);
  expect((await cliptrace.jobs.cancel(queued?.id as number)).status).toBe('cancelled');
  expect(existsSync(upload)).toBe(true);
  // A process that died over it.
  const [next] = await cliptrace.jobs.queueStaleUploads();
  await cliptrace.library.updateJob(next?.id as number, { status: 'running' });
  await cliptrace.close();

  cliptrace = await workspace.open('write', OTHER_MODEL);
  try {
    await cliptrace.jobs.start();
    expect(await cliptrace.jobs.wait(next?.id as number)).toMatchObject({
      status: 'done',
      progress: { filesTotal: 1, filesDone: 1 },
    });
    await expectWhole(cliptrace, upload);
    expect(await cliptrace.jobs.queueStaleUploads()).toEqual([]);
    // What lies in an archive is for its owner to read again.
    expect(await cliptrace.library.staleVideos(otherModel)).toEqual([1]);
  } finally {
    await cliptrace.close();
  }
});

it('an indexing takes the uploads of its collection along, and then verify finds nothing wrong', async () => {
  const upload = await withUpload();
  const args = ['--precision', 'int8'];
  const outdated = await workspace.cli(['verify', ...args]);
  expect(outdated.code).toBe(6);
  expect(outdated.stdout).toContain('uploads of the collection are taken along');
  const index = (collection: string) =>
    workspace.cli([
      'index',
      workspace.archive,
      '--collection',
      collection,
      '--label-from',
      'folder',
      '--json',
      ...args,
    ]);
  expect(JSON.parse((await index('other')).stdout)).toMatchObject({ counts: { indexed: 1, updated: 0 } });
  expect(JSON.parse((await index('door')).stdout)).toMatchObject({ filesTotal: 2, counts: { updated: 2 } });
  expect(JSON.parse((await index('door')).stdout)).toMatchObject({ filesTotal: 1, counts: { unchanged: 1 } });
  expect((await workspace.cli(['verify', ...args])).code).toBe(0);
  expect((await workspace.cli(['remove', '3'])).code).toBe(0);
  const cliptrace = await workspace.open('write', OTHER_MODEL);
  await expectWhole(cliptrace, upload);
  await cliptrace.close();
});

it('an upload stays one, whatever way an indexing comes upon it', async () => {
  const name = path.basename(await withUpload());
  // As `cp -r` leaves it: with other times.
  const copied = path.join(workspace.root, 'copied');
  await cp(workspace.data, copied, { recursive: true });
  rmSync(workspace.data, { recursive: true });
  renameSync(copied, workspace.data);
  const media = path.join(workspace.data, 'media');
  const upload = path.join(media, name);
  utimesSync(upload, 1e9, 1e9);
  // Ways to it from elsewhere, and from an archive.
  const link = path.join(workspace.root, 'link');
  symlinkSync(workspace.data, link);
  symlinkSync(media, path.join(workspace.archive, 'uploads'));
  const cliptrace = await workspace.open();
  // What a server receives right now.
  const received = path.join(media, randomUUID());
  copyFileSync(samplePath('face-demographics-walking'), received);
  try {
    const expectCounts = async (root: string, wanted: Record<string, number>, collection = 'door') => {
      const { files } = await indexInto(cliptrace, [root], { collection, labelFrom: 'folder', prune: true });
      const counts: Record<string, number> = {};
      for (const { outcome } of files) counts[outcome] = (counts[outcome] ?? 0) + 1;
      expect(counts, root).toEqual(wanted);
    };
    await expectCounts(media, { unchanged: 1, skipped: 1 });
    await expectCounts(path.join(link, 'media'), { unchanged: 1, skipped: 1 });
    await expectCounts(upload, { unchanged: 1 });
    for (const root of [workspace.archive, workspace.root]) await expectCounts(root, { unchanged: 1 });
    await expectCounts(workspace.data, { skipped: 1 });
    await expectCounts(media, { skipped: 2 }, 'elsewhere');
    await expectWhole(cliptrace, upload);
  } finally {
    await cliptrace.close();
  }
  // Starts, which sweep what belongs to nothing.
  for (const args of [
    ['jobs', 'run'],
    ['index', media, '--collection', 'door'],
    ['jobs', 'run'],
  ]) {
    expect((await workspace.cli(args)).code).toBe(0);
  }
  expect(readdirSync(media)).toEqual([name]);
  expect((await workspace.cli(['remove', '2'])).code).toBe(0);
  expect(readdirSync(media)).toEqual([]);
});
