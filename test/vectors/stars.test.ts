import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExactIndex } from '../../index/vectors/exact-index.js';
import { neighbourRecall } from '../../index/vectors/exact-neighbours.js';
import { HnswIndex } from '../../index/vectors/hnsw-index.js';
import { SnapshotStore } from '../../index/vectors/snapshot.js';
import { starLibrary } from './star-library.js';
import { randomNumbers, rowOf } from './vectors.js';

const STARS = 6;
const SATELLITES = 500;
const DIMENSION = 64;

/** Without hubs, hnswlib does not find 61 % of these by their own vectors. */
const { vectors, count } = starLibrary({
  stars: STARS,
  satellites: SATELLITES,
  dimension: DIMENSION,
  seed: 21,
});

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}

/** Ids are rows plus one. */
function rowsOfIds(ids: readonly number[]): Float32Array {
  const rows = new Float32Array(ids.length * DIMENSION);
  ids.forEach((id, i) => {
    rows.set(rowOf(vectors, id - 1, DIMENSION), i * DIMENSION);
  });
  return rows;
}

/** Those that are not the nearest to their own vector. */
async function lostOf(index: HnswIndex, ids: readonly number[]): Promise<number[]> {
  const found = await index.search(rowsOfIds(ids), 10);
  return ids.filter((id, i) => found[i]?.ids[0] !== id);
}

/** Of satellites that are not stored. */
const queries = starLibrary({
  stars: STARS,
  satellites: SATELLITES + 20,
  dimension: DIMENSION,
  seed: 21,
}).vectors.subarray(count * DIMENSION);

async function recallOf(index: HnswIndex, exact: ExactIndex): Promise<number> {
  const [found, expected] = [await index.search(queries, 10), await exact.search(queries, 10)];
  const recalls = expected.map((neighbours, i) => neighbourRecall(found[i] as typeof neighbours, neighbours));
  return recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length;
}

describe('a library in which hundreds of segments stand around each of a few', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cliptrace-test-'));
  const exact = new ExactIndex(DIMENSION);
  const live = new Set(range(1, count + 1));
  let index: HnswIndex;

  const expectWhole = async () => {
    expect((await lostOf(index, [...live])).length).toBeLessThanOrEqual(0.01 * live.size);
    expect(await recallOf(index, exact)).toBeGreaterThanOrEqual(0.99);
    expect(await index.size()).toBe(live.size);
  };

  beforeAll(async () => {
    index = new HnswIndex(DIMENSION);
    await index.add([...live], vectors);
    await exact.add([...live], vectors);
  });

  afterAll(async () => {
    await index.close();
    rmSync(folder, { recursive: true });
  });

  it('finds the segments by their own vectors, with few hubs beside the graph', async () => {
    await expectWhole();
    const { hubCount } = await index.counts();
    expect(hubCount).toBeGreaterThanOrEqual(STARS);
    expect(hubCount).toBeLessThan(0.03 * count);
    // The centres themselves, too, and those equal to them.
    expect(await lostOf(index, range(1, STARS + 1))).toEqual([]);
  });

  it('does so in another order and in small additions', async () => {
    const other = new HnswIndex(DIMENSION);
    const reversed = [...live].reverse();
    for (let start = 0; start < count; start += 700) {
      const ids = reversed.slice(start, start + 700);
      await other.add(ids, rowsOfIds(ids));
    }
    expect((await lostOf(other, reversed)).length).toBeLessThanOrEqual(0.01 * count);
    await other.close();
  });

  it('finds what came before and after the centres, where these come late', async () => {
    const other = new HnswIndex(DIMENSION);
    const order = [...range(STARS + 1, 1507), ...range(1, STARS + 1), ...range(1507, count + 1)];
    await other.add(order, rowsOfIds(order));
    expect((await lostOf(other, order)).length).toBeLessThanOrEqual(0.01 * count);
    await other.close();
  });

  it('counts on where a snapshot was read again between additions', async () => {
    const store = new SnapshotStore(folder, 'grown');
    const position = { sequence: 1, mark: 1 };
    let other = new HnswIndex(DIMENSION);
    // A few of each star at a time: never as many as make a hub.
    for (let start = 0; start < 1500; start += 300) {
      const ids = range(start + 1, start + 301);
      await other.add(ids, rowsOfIds(ids));
      await store.write(other, position);
      await other.close();
      other = new HnswIndex(DIMENSION);
      expect(await store.read(other)).toEqual({ loaded: true, position });
    }
    expect((await other.counts()).hubCount).toBeGreaterThanOrEqual(STARS);
    expect((await lostOf(other, range(1, 1501))).length).toBeLessThanOrEqual(15);
    await other.close();
  });

  it('shares the node of a hub with a vector equal to it, and gives it up last', async () => {
    await index.add([count + 1], rowsOfIds([1]));
    const equal = async () => {
      const [found] = await index.search(rowsOfIds([1]), 2);
      return found?.ids.filter((_, rank) => (found.similarities[rank] as number) > 0.9999);
    };
    expect(await equal()).toEqual([1, count + 1]);
    const before = await index.counts();
    await index.remove([1]);
    expect(await equal()).toEqual([count + 1]);
    expect((await index.counts()).hubCount).toBe(before.hubCount);
    await index.remove([count + 1]);
    expect(await equal()).toEqual([]);
    expect((await index.counts()).hubCount).toBe(before.hubCount - 1);
    await index.add([1], rowsOfIds([1]));
    expect(await equal()).toEqual([1]);
  });

  it('gives a snapshot that answers the same, hubs included', async () => {
    const store = new SnapshotStore(folder, 'whole');
    const [counts, answers] = [await index.counts(), await index.search(queries, 20)];
    await store.write(index, { sequence: 2, mark: 2 });
    await index.clear();
    expect(await store.read(index, { thorough: true })).toMatchObject({ loaded: true });
    expect(await index.counts()).toEqual(counts);
    expect(await index.search(queries, 20)).toEqual(answers);
    await expectWhole();
  });

  it('stays whole when half of it goes, and when its graph is built anew', async () => {
    const random = randomNumbers(5);
    // Some of the centres, and of the satellites of each.
    const removed = [...live].filter((id) => id <= 2 || random() < 0.5);
    await index.remove(removed);
    await exact.remove(removed);
    for (const id of removed) live.delete(id);
    await expectWhole();
    await index.compact();
    await expectWhole();
    await index.add(removed, rowsOfIds(removed));
    await exact.add(removed, rowsOfIds(removed));
    for (const id of removed) live.add(id);
    await expectWhole();
  });

  it('answers with the hubs when nothing else is left, and grows from them', async () => {
    await index.remove(range(STARS + 1, count + 1));
    const centres = range(1, STARS + 1);
    const [found] = await index.search(rowsOfIds([1]), 10);
    expect([...(found?.ids ?? [])].sort((a, b) => a - b)).toEqual(centres);
    expect(await lostOf(index, centres)).toEqual([]);
    const others = range(STARS + 1, STARS + 601);
    await index.add(others, rowsOfIds(others));
    expect((await lostOf(index, [...centres, ...others])).length).toBeLessThanOrEqual(6);
  });
});
