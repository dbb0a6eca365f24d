import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { restoreBackup } from '../../index/backup/restore.js';
import { writeBackup } from '../../index/backup/write-backup.js';
import { dataFolderAt } from '../../index/library/data-folder.js';
import type { SqliteLibrary } from '../../index/library/sqlite-library.js';
import type { DataFolder } from '../../index/types.js';
import { openSegmentIndex } from '../../index/vectors/index-follower.js';
import { verifyDataFolder } from '../../index/verify/verify.js';
import {
  MODEL,
  putVideo,
  registerModel,
  segmentBatch,
  temporaryFolder,
  temporaryLibrary,
} from '../library/fixtures.js';
import { unitVectors } from './vectors.js';

const NEXT = { id: 'next-model-00000002', dimension: 8, timesteps: 2 };
type Model = typeof NEXT;

/** Opens the index of a model as a command does, saves and closes it; how it was opened, and what it holds. */
async function openAndSave(library: SqliteLibrary, { vectorsFolder: folder }: DataFolder, model: Model) {
  const { index, opening } = await openSegmentIndex({ library, model, folder, writable: true });
  const found = await index.search(unitVectors(1, model.dimension, 3), 1000);
  await index.saveSnapshot();
  await index.close();
  return { ...opening, ids: [...(found[0]?.ids ?? [])].sort((a, b) => a - b) };
}

function embed(library: SqliteLibrary, names: readonly number[], model: Model): Promise<unknown> {
  return names.reduce<Promise<unknown>>(
    (before, name) =>
      before.then(() =>
        putVideo(library, name, { modelId: model.id, segments: segmentBatch(5, name, model) }),
      ),
    Promise.resolve(),
  );
}

async function idsOf(library: SqliteLibrary, model: Model): Promise<number[]> {
  return (await library.readVectors(model.id, 0, 1000)).ids;
}

function snapshotNames({ vectorsFolder }: DataFolder, model: Model): string[] {
  return readdirSync(vectorsFolder).filter((name) => name.startsWith(model.id));
}

/** As an earlier version wrote it: whole, with the checksum that it had. */
function makeOlder({ vectorsFolder }: DataFolder, model: Model): void {
  const name = snapshotNames(dataFolderOf(vectorsFolder), model).find((one) =>
    one.endsWith('.json'),
  ) as string;
  const { sidecarSha256, hubLabels, nearCounts, ...content } = JSON.parse(
    readFileSync(join(vectorsFolder, name), 'utf8'),
  );
  const older = { ...content, formatVersion: 2 };
  const checksum = createHash('sha256').update(JSON.stringify(older)).digest('hex');
  writeFileSync(join(vectorsFolder, name), JSON.stringify({ ...older, sidecarSha256: checksum }));
}

function dataFolderOf(vectorsFolder: string): DataFolder {
  return dataFolderAt(join(vectorsFolder, '..'));
}

async function problemsOf(dataFolder: DataFolder, modelId: string) {
  const { problems } = await verifyDataFolder({ dataFolder, modelId, deep: false, repair: false });
  // The videos of these tests have no files.
  return problems.filter(({ code }) => code !== 'FILE_MISSING');
}

/** Three videos by the one model, and two of them by the next. */
async function nearlySuperseded() {
  const { library, dataFolder } = await temporaryLibrary();
  await embed(library, [1, 2, 3], MODEL);
  await openAndSave(library, dataFolder, MODEL);
  await registerModel(library, NEXT);
  await embed(library, [1, 2], NEXT);
  return { library, dataFolder };
}

describe('the snapshot of a model that another one follows', () => {
  it('stays while a video is embedded by it, and serves whoever goes back', async () => {
    const { library, dataFolder } = await nearlySuperseded();
    await openAndSave(library, dataFolder, NEXT);
    expect(snapshotNames(dataFolder, MODEL)).toHaveLength(2);
    const back = await openAndSave(library, dataFolder, MODEL);
    expect(back).toMatchObject({ how: 'loaded', segmentCount: 5, ids: await idsOf(library, MODEL) });
    await embed(library, [1], MODEL);
    expect(await openAndSave(library, dataFolder, MODEL)).toMatchObject({ how: 'loaded', segmentCount: 10 });
  });

  it('goes with its last video, and is built anew of what is embedded by it again', async () => {
    const { library, dataFolder } = await nearlySuperseded();
    // The last one goes without any change for the index of the next model.
    await openAndSave(library, dataFolder, NEXT);
    await library.removeVideo(3);
    await openAndSave(library, dataFolder, NEXT);
    expect(snapshotNames(dataFolder, MODEL)).toEqual([]);
    expect(snapshotNames(dataFolder, NEXT)).toHaveLength(2);
    expect(await openAndSave(library, dataFolder, MODEL)).toMatchObject({ how: 'empty', ids: [] });
    await embed(library, [1], MODEL);
    const back = await openAndSave(library, dataFolder, MODEL);
    expect(back.ids).toEqual(await idsOf(library, MODEL));
    expect(back.ids).toHaveLength(5);
    await embed(library, [2], MODEL);
    await library.close();
    const again = await temporaryLibrary(dataFolder);
    expect((await openAndSave(again.library, dataFolder, MODEL)).ids).toHaveLength(10);
    expect(snapshotNames(dataFolder, NEXT)).toEqual([]);
  });

  it('is no damage when an earlier version wrote it, and none is said to be missing', async () => {
    const { library, dataFolder } = await temporaryLibrary();
    await embed(library, [1, 2], MODEL);
    await openAndSave(library, dataFolder, MODEL);
    makeOlder(dataFolder, MODEL);
    expect(await problemsOf(dataFolder, MODEL.id)).toMatchObject([
      { code: 'SNAPSHOT_MISSING', detail: expect.stringContaining('of an earlier version') },
    ]);
    await registerModel(library, NEXT);
    expect(await problemsOf(dataFolder, NEXT.id)).toMatchObject([{ code: 'MODEL_OUTDATED' }]);
    await embed(library, [1], NEXT);
    await openAndSave(library, dataFolder, NEXT);
    expect(await problemsOf(dataFolder, NEXT.id)).toMatchObject([{ code: 'MODEL_OUTDATED' }]);
    await embed(library, [2], NEXT);
    await openAndSave(library, dataFolder, NEXT);
    expect(await problemsOf(dataFolder, NEXT.id)).toEqual([]);
    expect(snapshotNames(dataFolder, MODEL)).toEqual([]);
  });

  it('is in no backup', async () => {
    const { library, dataFolder } = await temporaryLibrary();
    await embed(library, [1, 2], MODEL);
    await openAndSave(library, dataFolder, MODEL);
    await registerModel(library, NEXT);
    await embed(library, [1], NEXT);
    await openAndSave(library, dataFolder, NEXT);
    const file = join(temporaryFolder(), 'b.tar');
    expect(await writeBackup({ dataFolder, file, programVersion: '1' })).toMatchObject({ snapshots: 1 });
    const restored = dataFolderAt(join(temporaryFolder(), 'data'));
    await restoreBackup({ file, dataFolder: restored, replace: false });
    expect(snapshotNames(restored, MODEL)).toEqual([]);
    expect(snapshotNames(restored, NEXT)).toHaveLength(2);
    const again = await temporaryLibrary(restored);
    expect(await openAndSave(again.library, restored, NEXT)).toMatchObject({
      how: 'loaded',
      segmentCount: 5,
    });
    const back = await openAndSave(again.library, restored, MODEL);
    expect(back).toMatchObject({ how: 'rebuilt', ids: await idsOf(again.library, MODEL) });
  });
});
