import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readManifest } from '../../index/encoder/manifest.js';
import { defaultModelFolder, manifestPathOf } from '../../index/encoder/model-store.js';
import { openDataFolder } from '../../index/library/data-folder.js';
import { openLibrary } from '../../index/library/sqlite-library.js';
import { openSegmentIndex } from '../../index/vectors/index-follower.js';
import { createWorkspace } from '../helpers/workspace.js';
import { putVideo, registerModel, segmentBatch } from '../library/library-inputs.js';
import { snapshotFiles } from '../vectors/snapshot-files.js';

const SEGMENTS_OF_A_VIDEO = 300;

/** Six videos that the encoder that ships might have made; as many as told are removed behind the snapshot's back. */
async function filledWorkspace(removedCount: number) {
  const workspace = createWorkspace();
  onTestFinished(() => workspace.remove());
  mkdirSync(workspace.archive);
  const { manifest } = await readManifest(manifestPathOf(defaultModelFolder()));
  const { id, dimension, timesteps } = manifest;
  const model = { id, dimension, timesteps };
  const dataFolder = await openDataFolder(workspace.data, { create: true });
  const library = await openLibrary({ dataFolder, mode: 'write' });
  await registerModel(library, model);
  for (let name = 1; name <= 6; name += 1) {
    const segments = segmentBatch(SEGMENTS_OF_A_VIDEO, name * 1000, model);
    await putVideo(library, name, { modelId: id, segments });
  }
  const folder = dataFolder.vectorsFolder;
  const { index } = await openSegmentIndex({ library, model, folder, writable: true });
  await index.saveSnapshot();
  await index.close();
  for (let videoId = 1; videoId <= removedCount; videoId += 1) await library.removeVideo(videoId);
  await library.close();
  const sidecar = () => JSON.parse(readFileSync(snapshotFiles(folder).sidecar, 'utf8'));
  return {
    workspace,
    dataFolder,
    model,
    sidecar,
    graphBytes: () => readFileSync(join(folder, sidecar().file)).length,
  };
}

it.each<[string, number, (archive: string) => string[]]>([
  ['remove', 0, () => ['remove', '1', '2', '3', '4']],
  ['index', 4, (archive) => ['index', archive]],
])('`%s` leaves a vector index without removed segments when most are removed', async (_, removed, args) => {
  const { workspace, sidecar, graphBytes } = await filledWorkspace(removed);
  const before = graphBytes();
  const { code, stderr } = await workspace.cli(args(workspace.archive));
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('without its removed') });
  expect(sidecar()).toMatchObject({ liveCount: 2 * SEGMENTS_OF_A_VIDEO, deletedLabels: [] });
  expect(graphBytes()).toBeLessThan(before / 2);
});

it('a reader does not begin what it cannot keep', async () => {
  const { dataFolder, model, sidecar } = await filledWorkspace(4);
  const before = sidecar();
  const library = await openLibrary({ dataFolder, mode: 'read' });
  const folder = dataFolder.vectorsFolder;
  const { index } = await openSegmentIndex({ library, model, folder, writable: false });
  expect([await index.size(), index.compaction]).toEqual([2 * SEGMENTS_OF_A_VIDEO, null]);
  await index.close();
  await library.close();
  expect(sidecar()).toEqual(before);
});
