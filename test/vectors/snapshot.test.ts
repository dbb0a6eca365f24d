import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HnswIndex } from '../../index/vectors/hnsw-index.js';
import { SnapshotStore } from '../../index/vectors/snapshot.js';
import { flipBit, type SnapshotFiles, snapshotFiles } from './snapshot-files.js';
import { randomNumbers, unitVectors } from './vectors.js';

const DIMENSION = 16;
const POSITION = { sequence: 42, mark: 1234567890123 };

describe('SnapshotStore', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cliptrace-test-'));
  const store = new SnapshotStore(folder, 'model-1');
  const queries = unitVectors(20, DIMENSION, 2);
  let index: HnswIndex;
  let files: SnapshotFiles;
  let whole: { graph: Buffer; sidecar: Buffer };
  let answers: Awaited<ReturnType<HnswIndex['search']>>;

  beforeAll(async () => {
    index = new HnswIndex(DIMENSION);
    const vectors = unitVectors(300, DIMENSION, 1);
    // Some are equal, some deleted, and one node is named after an id that is gone.
    vectors.copyWithin(10 * DIMENSION, 0, 5 * DIMENSION);
    await index.add(
      Array.from({ length: 300 }, (_, i) => i + 1),
      vectors,
    );
    await index.remove([1, 50, 51, 52]);
    answers = await index.search(queries, 20);
    await store.write(index, POSITION);
    files = snapshotFiles(folder);
    whole = { graph: readFileSync(files.graph), sidecar: readFileSync(files.sidecar) };
  });

  afterEach(() => {
    rmSync(files.sidecar, { recursive: true, force: true });
    writeFileSync(files.graph, whole.graph);
    writeFileSync(files.sidecar, whole.sidecar);
  });

  afterAll(async () => {
    await index.close();
    rmSync(folder, { recursive: true });
  });

  it('reads back what it wrote: vectors, deleted and equal ones, and the position', async () => {
    await index.clear();
    expect(await store.read(index)).toEqual({ loaded: true, position: POSITION });
    expect(await index.counts()).toEqual({
      liveCount: 296,
      nodeCount: 292,
      hubCount: expect.any(Number),
      deletedCount: 3,
    });
    expect(await index.search(queries, 20)).toEqual(answers);
    // Id 1 is free again, though a node still bears its name.
    await index.add([1], queries.subarray(0, DIMENSION));
    expect((await index.search(queries.subarray(0, DIMENSION), 1))[0]?.ids).toEqual([1]);
  });

  it.each<[string, (files: SnapshotFiles) => void, RegExp]>([
    ['an empty graph', ({ graph }) => truncateSync(graph, 0), /0 bytes instead of/],
    [
      'a graph cut by one byte',
      ({ graph }) => truncateSync(graph, whole.graph.length - 1),
      /bytes instead of/,
    ],
    ['a graph with a byte more', ({ graph }) => writeFileSync(graph, 'x', { flag: 'a' }), /bytes instead of/],
    ['an empty sidecar', ({ sidecar }) => writeFileSync(sidecar, ''), /is no JSON/],
    ['a sidecar of nothing', ({ sidecar }) => writeFileSync(sidecar, '{}'), /altered or cut/],
    [
      'a sidecar that was edited',
      ({ sidecar }) => editSidecar(sidecar, '"liveCount":296', '"liveCount":297'),
      /altered or cut/,
    ],
    [
      'a sidecar that is a folder',
      ({ sidecar }) => {
        rmSync(sidecar);
        mkdirSync(sidecar);
      },
      /sidecar cannot be read/,
    ],
  ])('refuses %s', async (_, spoil, reason) => {
    spoil(files);
    expect(await store.read(index)).toEqual({
      loaded: false,
      reason: expect.stringMatching(reason),
      isOlder: false,
    });
  });

  it('refuses a graph that is cut anywhere', async () => {
    const random = randomNumbers(3);
    for (let step = 0; step < 40; step += 1) {
      writeFileSync(files.graph, whole.graph.subarray(0, Math.floor(random() * whole.graph.length)));
      expect(await store.read(index)).toEqual({
        loaded: false,
        reason: expect.stringMatching(/bytes instead of/),
        isOlder: false,
      });
    }
  });

  it('refuses any one flipped bit, in either file', async () => {
    const random = randomNumbers(4);
    for (let step = 0; step < 120; step += 1) {
      const file = step % 3 === 0 ? files.sidecar : files.graph;
      const length = step % 3 === 0 ? whole.sidecar.length : whole.graph.length;
      const offset = step < 6 ? step : Math.floor(random() * length);
      flipBit(file, offset, step % 8);
      const options = { thorough: step % 2 === 1 };
      expect(await store.read(index, options)).toMatchObject({ loaded: false, reason: expect.any(String) });
      flipBit(file, offset, step % 8);
    }
    expect(await store.read(index)).toMatchObject({ loaded: true });
  });

  it('refuses an index of other parameters', async () => {
    const other = new HnswIndex(DIMENSION, { m: 8 });
    expect(await store.read(other)).toEqual({
      loaded: false,
      reason: 'it is of m 16, and 8 is needed',
      isOlder: false,
    });
    await other.close();
  });

  it('takes no notice of what a killed writer left, and clears it away at the next write', async () => {
    const stem = basename(files.sidecar, '.json');
    const left = [`${stem}.43-00000000.hnsw.tmp`, `${stem}.43-11111111.hnsw`, `${stem}.json.tmp`];
    for (const name of left) writeFileSync(join(folder, name), 'half a gra');
    expect(await store.read(index)).toMatchObject({ loaded: true });
    await store.write(index, POSITION);
    files = snapshotFiles(folder);
    whole = { graph: readFileSync(files.graph), sidecar: readFileSync(files.sidecar) };
    expect(await store.read(index)).toEqual({ loaded: true, position: POSITION });
  });

  it('has no reason to give when there is none', async () => {
    expect(await new SnapshotStore(folder, 'model-2').read(index)).toEqual({
      loaded: false,
      reason: null,
      isOlder: false,
    });
    expect(await new SnapshotStore(join(folder, 'nowhere'), 'model-1').read(index)).toEqual({
      loaded: false,
      reason: null,
      isOlder: false,
    });
  });

  it('keeps models apart whose ids look the same as file names, and sweeps its own files only', async () => {
    const names = ['a/b', 'a:b', 'a', 'a~b', '../a', 'ä'.repeat(300)];
    for (const name of names) await new SnapshotStore(folder, name).write(index, { sequence: 7, mark: null });
    for (const name of names) await new SnapshotStore(folder, name).write(index, { sequence: 8, mark: null });
    for (const name of names) {
      expect(await new SnapshotStore(folder, name).read(index)).toEqual({
        loaded: true,
        position: { sequence: 8, mark: null },
      });
    }
    expect(readdirSync(folder)).toHaveLength(2 * (names.length + 1));
  });
});

function editSidecar(file: string, from: string, to: string): void {
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(from);
  writeFileSync(file, text.replace(from, to));
}
