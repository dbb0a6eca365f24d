import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openLibrary, type SqliteLibrary } from '../../index/library/sqlite-library.js';
import type { DataFolder } from '../../index/types.js';
import { openSegmentIndex } from '../../index/vectors/index-follower.js';
import type { SegmentIndex } from '../../index/vectors/types.js';
import {
  MODEL,
  putVideo,
  registerModel,
  segmentBatch,
  temporaryDataFolder,
  temporaryFolder,
  temporaryLibrary,
} from '../library/fixtures.js';
import { flipBit, type SnapshotFiles, snapshotFiles } from './snapshot-files.js';
import { unitVectors } from './vectors.js';

const QUERIES = unitVectors(8, MODEL.dimension, 77);

async function openIndex(
  library: SqliteLibrary,
  folder: string,
  options: { writable?: boolean; model?: { id: string; dimension: number } } = {},
) {
  const warnings: object[] = [];
  const logger = { info: () => {}, warn: (details: object) => void warnings.push(details) };
  const opened = await openSegmentIndex({
    library,
    model: MODEL,
    folder,
    writable: true,
    logger,
    ...options,
  });
  onTestFinished(() => opened.index.close());
  return { ...opened, warnings };
}

/** A library of 40 videos, its index, and what the index answers. */
async function savedIndex() {
  const { library, dataFolder } = await temporaryLibrary();
  for (let name = 1; name <= 40; name += 1)
    await putVideo(library, name, { segments: segmentBatch(5, name) });
  const { index } = await openIndex(library, dataFolder.vectorsFolder);
  await library.removeVideo(7);
  await index.catchUp();
  const answers = await index.search(QUERIES, 10);
  await index.saveSnapshot();
  await index.close();
  return { library, dataFolder, answers, folder: dataFolder.vectorsFolder };
}

/** The same neighbours; where the graph is built anew, similarities may differ in the last digit. */
async function expectAnswers(index: SegmentIndex, answers: Awaited<ReturnType<SegmentIndex['search']>>) {
  const found = await index.search(QUERIES, 10);
  expect(found.map(({ ids }) => ids)).toEqual(answers.map(({ ids }) => ids));
}

describe('a segment index', () => {
  it('follows the library and is the same after a restart', async () => {
    const { library, dataFolder } = await temporaryLibrary();
    const { index, opening } = await openIndex(library, dataFolder.vectorsFolder);
    expect(opening).toMatchObject({ how: 'empty', reason: null, segmentCount: 0 });
    for (let name = 1; name <= 20; name += 1) await putVideo(library, name);
    await index.catchUp();
    await library.removeVideo(3);
    await index.catchUp();
    expect(await index.size()).toBe(57);
    expect(index.sequence).toBe(await library.lastSequence());
    const answers = await index.search(QUERIES, 10);
    await index.saveSnapshot();
    await putVideo(library, 21);
    await index.close();

    const again = await openIndex(library, dataFolder.vectorsFolder);
    expect(again.opening).toMatchObject({ how: 'loaded', reason: null, segmentCount: 60 });
    await library.removeVideo(21);
    await again.index.catchUp();
    expect(await again.index.search(QUERIES, 10)).toEqual(answers);
  });

  it('serialises catchUp: every call resolves with all that was written before it', async () => {
    const { library, dataFolder } = await temporaryLibrary();
    const { index } = await openIndex(library, dataFolder.vectorsFolder);
    const sizes: Promise<[number, number]>[] = [];
    for (let name = 1; name <= 10; name += 1) {
      await putVideo(library, name);
      sizes.push(index.catchUp().then(async () => [await index.size(), name * 3]));
    }
    for (const [size, written] of await Promise.all(sizes)) expect(size).toBeGreaterThanOrEqual(written);
    await Promise.all([library.removeVideo(1), index.catchUp()]);
    await index.catchUp();
    expect(await index.size()).toBe(27);
  });

  it('holds one model only', async () => {
    const { library, dataFolder } = await temporaryLibrary();
    const other = { id: 'other/model: 2', dimension: 8, timesteps: 2 };
    await registerModel(library, other);
    await putVideo(library, 1);
    await putVideo(library, 2, { modelId: other.id, segments: segmentBatch(5, 2, other) });
    const first = await openIndex(library, dataFolder.vectorsFolder);
    const second = await openIndex(library, dataFolder.vectorsFolder, { model: other });
    expect([await first.index.size(), await second.index.size()]).toEqual([3, 5]);
    await first.index.saveSnapshot();
    await second.index.saveSnapshot();
    await Promise.all([first.index.close(), second.index.close()]);
    expect(readdirSync(dataFolder.vectorsFolder)).toHaveLength(4);
    const again = await openIndex(library, dataFolder.vectorsFolder, { model: other });
    expect(again.opening).toMatchObject({ how: 'loaded', segmentCount: 5 });
  });

  it('filters through the library', async () => {
    const { library, dataFolder } = await temporaryLibrary();
    await putVideo(library, 1, { video: { label: 'sea' } });
    await putVideo(library, 2, { video: { label: 'land' } });
    const { index } = await openIndex(library, dataFolder.vectorsFolder);
    const query = segmentBatch(3, 1000).embeddings.subarray(0, MODEL.dimension);
    expect((await index.searchFiltered(query, 1, {}))[0]?.ids).toEqual([1]);
    expect((await index.searchFiltered(query, 9, { label: 'land' }))[0]?.ids.sort()).toEqual([4, 5, 6]);
  });

  it('is built anew without its removed segments when most are removed', async () => {
    const { library, dataFolder } = await temporaryLibrary();
    const { index } = await openIndex(library, dataFolder.vectorsFolder);
    for (let name = 1; name <= 8; name += 1)
      await putVideo(library, name, { segments: segmentBatch(200, name * 10) });
    await index.catchUp();
    for (let id = 1; id <= 6; id += 1) await library.removeVideo(id);
    await index.catchUp();
    const answers = await index.search(QUERIES, 10);
    await expect
      .poll(
        async () => {
          await index.saveSnapshot();
          return JSON.parse(readFileSync(snapshotFiles(dataFolder.vectorsFolder).sidecar, 'utf8'))
            .deletedLabels;
        },
        { timeout: 60_000 },
      )
      .toEqual([]);
    await index.close();
    const again = await openIndex(library, dataFolder.vectorsFolder);
    expect(again.opening).toMatchObject({ how: 'loaded', segmentCount: 400 });
    await expectAnswers(again.index, answers);
  });

  it('saves itself when much has come since the last snapshot', async () => {
    const { library, dataFolder } = await temporaryLibrary();
    const { index } = await openIndex(library, dataFolder.vectorsFolder);
    await putVideo(library, 1, { segments: segmentBatch(5200, 1) });
    await index.catchUp();
    expect(JSON.parse(readFileSync(snapshotFiles(dataFolder.vectorsFolder).sidecar, 'utf8'))).toMatchObject({
      sequence: 5200,
      liveCount: 5200,
    });
  });
});

describe('a snapshot', () => {
  it('keeps deleted and equal vectors apart, and leaves no older file behind', async () => {
    const { library, folder, answers } = await savedIndex();
    const before = snapshotFiles(folder);
    const { index, opening } = await openIndex(library, folder);
    expect(opening).toMatchObject({ how: 'loaded', reason: null, segmentCount: 195 });
    expect(await index.search(QUERIES, 10)).toEqual(answers);
    await index.saveSnapshot();
    expect(snapshotFiles(folder)).toEqual(before);
    await putVideo(library, 7, { segments: segmentBatch(5, 8) });
    await index.catchUp();
    await index.saveSnapshot();
    expect(snapshotFiles(folder).graph).not.toBe(before.graph);
    await index.close();
    const again = await openIndex(library, folder);
    expect(again.opening).toMatchObject({ how: 'loaded', segmentCount: 200 });
  });

  it('of a large index is not written for a few segments more unless that is asked for', async () => {
    const { library, dataFolder } = await temporaryLibrary();
    for (const name of [1, 2]) await putVideo(library, name, { segments: segmentBatch(5000, name) });
    const { index } = await openIndex(library, dataFolder.vectorsFolder);
    const graph = () => snapshotFiles(dataFolder.vectorsFolder).graph;
    await index.saveSnapshot({ unlessNearlyWhole: true });
    const first = graph();
    await putVideo(library, 3, { segments: segmentBatch(99, 3) });
    await index.catchUp();
    await index.saveSnapshot({ unlessNearlyWhole: true });
    expect(graph()).toBe(first);
    const { index: next, opening } = await openIndex(library, dataFolder.vectorsFolder);
    expect(opening).toMatchObject({ how: 'loaded', segmentCount: 10_099 });
    await next.close();
    await putVideo(library, 4, { segments: segmentBatch(5, 4) });
    await index.catchUp();
    await index.saveSnapshot({ unlessNearlyWhole: true });
    const second = graph();
    expect(second).not.toBe(first);
    await putVideo(library, 5, { segments: segmentBatch(1, 5) });
    await index.catchUp();
    await index.saveSnapshot();
    expect(graph()).not.toBe(second);
  });

  it('is not written by a reader, who loads it all the same', async () => {
    const { library, dataFolder, folder, answers } = await savedIndex();
    const before = snapshotFiles(folder);
    const reader = await openLibrary({ dataFolder, mode: 'read' });
    const { index, opening } = await openIndex(reader, folder, { writable: false });
    expect(opening.how).toBe('loaded');
    await putVideo(library, 50);
    await index.catchUp();
    expect(await index.size()).toBe(198);
    await library.removeVideo(41);
    await index.catchUp();
    await index.saveSnapshot();
    expect(snapshotFiles(folder)).toEqual(before);
    await expectAnswers(index, answers);
    await index.close();
    await reader.close();
  });

  it.each<[string, (files: SnapshotFiles) => void, RegExp]>([
    ['a graph that is missing', ({ graph }) => rmSync(graph), /cannot be read: ENOENT/],
    [
      'a graph with one bit flipped',
      ({ graph }) => flipBit(graph, 1000, 3),
      /was altered: the checksum of mebibyte 0/,
    ],
    ['a sidecar that is cut', ({ sidecar }) => truncateSync(sidecar, 100), /is no JSON/],
  ])('with %s is not used: rebuilt with the same answers', async (_, spoil, reason) => {
    const { library, folder, answers } = await savedIndex();
    spoil(snapshotFiles(folder));
    const { index, opening } = await openIndex(library, folder);
    expect(opening).toMatchObject({
      how: 'rebuilt',
      reason: expect.stringMatching(reason),
      segmentCount: 195,
    });
    await expectAnswers(index, answers);
  });

  it("of another model, dimension or library's history is not used", async () => {
    const { library, dataFolder, folder } = await savedIndex();
    const files = snapshotFiles(folder);
    const sameName = { id: MODEL.id, dimension: 8 };
    const wrong = await openIndex(library, temporaryCopy(folder), { model: sameName, writable: false }).catch(
      (error) => error,
    );
    // The library has vectors of dimension 16 for this model, so that nothing but an error can come of it.
    expect(wrong).toMatchObject({ code: 'VECTOR_INVALID' });

    // A backup of the library from before the snapshot, which then went another way.
    const other = await temporaryLibrary();
    const sidecar = JSON.parse(readFileSync(files.sidecar, 'utf8'));
    for (let name = 1; name <= 30; name += 1)
      await putVideo(other.library, name, { segments: segmentBatch(5, name + 500) });
    const behind = await openIndex(other.library, temporaryCopy(folder), { writable: false });
    expect(behind.opening).toMatchObject({
      how: 'rebuilt',
      reason: expect.stringContaining(`holds change ${sidecar.sequence}`),
    });
    for (let name = 31; name <= 60; name += 1)
      await putVideo(other.library, name, { segments: segmentBatch(5, name) });
    const diverged = await openIndex(other.library, temporaryCopy(folder), { writable: false });
    expect(diverged.opening).toMatchObject({
      how: 'rebuilt',
      reason: expect.stringContaining('another library'),
      segmentCount: 300,
    });

    // The name of another model's sidecar.
    const next = { id: 'next-model-00000002', dimension: 16, timesteps: 4 };
    await registerModel(library, next);
    const renamed = temporaryCopy(folder);
    const unused = await openIndex(library, dataFolder.vectorsFolder, { model: next });
    await unused.index.saveSnapshot();
    const nextSidecar = readdirSync(folder).find(
      (name) => name.startsWith(next.id) && name.endsWith('.json'),
    ) as string;
    copyFileSync(files.sidecar, join(renamed, nextSidecar));
    const swapped = await openIndex(library, renamed, { model: next, writable: false });
    expect(swapped.opening).toMatchObject({
      how: 'empty',
      reason: expect.stringContaining(`it is of model ${MODEL.id}`),
      segmentCount: 0,
    });
  });

  it('of an empty index is loaded', async () => {
    const { library, dataFolder } = await temporaryLibrary();
    await putVideo(library, 1);
    const { index } = await openIndex(library, dataFolder.vectorsFolder);
    await library.removeVideo(1);
    await index.catchUp();
    await index.saveSnapshot();
    await index.close();
    const again = await openIndex(library, dataFolder.vectorsFolder);
    expect(again.opening).toMatchObject({ how: 'loaded', segmentCount: 0 });
    await putVideo(library, 2);
    await again.index.catchUp();
    expect((await again.index.search(QUERIES, 5))[0]?.ids).toHaveLength(3);
  });

  it('on a full disk is refused as such, and the older one stays', async ({ skip }) => {
    const { library, folder: source } = await savedIndex();
    const folder = temporaryFolder();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200k', 'tmpfs', folder], { stdio: 'pipe' });
    } catch {
      skip('mounting a small disk needs root');
    }
    onTestFinished(() => void execFileSync('umount', ['-l', folder]));
    for (const name of readdirSync(source)) copyFileSync(join(source, name), join(folder, name));
    const before = snapshotFiles(folder);
    const { index } = await openIndex(library, folder);
    await putVideo(library, 100, { segments: segmentBatch(1000, 100) });
    await index.catchUp();
    await expect(index.saveSnapshot()).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(snapshotFiles(folder)).toEqual(before);
    expect((await index.search(QUERIES, 10))[0]?.ids).toHaveLength(10);
    await index.close();
    expect((await openIndex(library, folder)).opening).toMatchObject({ how: 'loaded', segmentCount: 1195 });
  });
});

describe('embeddings that the disk has spoilt', () => {
  it('are left out and named, and do not keep the others away', async () => {
    const dataFolder: DataFolder = await temporaryDataFolder();
    const { library } = await temporaryLibrary(dataFolder);
    await putVideo(library, 1, { segments: segmentBatch(5, 1) });
    await library.close();
    const { openDatabase } = await import('../../index/library/database.js');
    const database = openDatabase(dataFolder.databaseFile, { readonly: false });
    const blob = database.prepare('SELECT embeddings FROM segment_blocks').pluck().get() as Buffer;
    blob.writeFloatLE(Number.NaN, 2 * 4 * MODEL.dimension);
    database.prepare('UPDATE segment_blocks SET embeddings = ?').run(blob);
    database.close();
    const again = await openLibrary({ dataFolder, mode: 'write' });
    const { index, warnings } = await openIndex(again, dataFolder.vectorsFolder);
    expect(await index.size()).toBe(4);
    expect(warnings).toContainEqual(expect.objectContaining({ segmentIds: [3] }));
    await again.close();
  });
});

function temporaryCopy(folder: string): string {
  const copy = temporaryFolder();
  for (const name of readdirSync(folder)) copyFileSync(join(folder, name), join(copy, name));
  return copy;
}
