import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataFolder } from '../../index/library/data-folder.js';
import { openLibrary, type SqliteLibrary } from '../../index/library/sqlite-library.js';
import type { SegmentFilter } from '../../index/library/types.js';
import { ExactIndex } from '../../index/vectors/exact-index.js';
import { FilterCounts } from '../../index/vectors/filter-counts.js';
import { searchFiltered } from '../../index/vectors/filtered-search.js';
import { HnswIndex } from '../../index/vectors/hnsw-index.js';
import { MODEL, putVideo, registerModel, temporaryLibrary } from '../library/fixtures.js';
import { clusteredUnitVectors, rowOf, unitVectors } from './vectors.js';

const { dimension, timesteps } = MODEL;
const PER_VIDEO = 50;
const VIDEOS = 60;

/**
 * Every video is a cluster of its own, so that the neighbours of a query are nearly all of one video: the case in which
 * asking the graph for a few more neighbours gives nothing that the filter allows.
 */
describe('searchFiltered', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cliptrace-test-'));
  let library: SqliteLibrary;
  let index: HnswIndex;
  let counts: FilterCounts;
  /** Searches that reached the graph, to tell the two ways apart. */
  let graphSearches = 0;

  beforeAll(async () => {
    const dataFolder = await openDataFolder(folder, { create: true });
    library = await openLibrary({ dataFolder, mode: 'write' });
    await registerModel(library, MODEL);
    for (let name = 1; name <= VIDEOS; name += 1) {
      const embeddings = clusteredUnitVectors(PER_VIDEO, dimension, {
        clusters: 1,
        spread: 0.5,
        seed: name * 10,
      });
      const spans = Array.from({ length: PER_VIDEO }, (_, i) => ({ startSeconds: i, endSeconds: i + 2 }));
      const label = name === 1 ? 'rare' : name % 2 === 0 ? 'even' : null;
      await putVideo(library, name, {
        video: { label, collection: name <= 50 ? 'large' : 'small' },
        segments: { spans, embeddings, timesteps: unitVectors(PER_VIDEO * timesteps, dimension, name) },
      });
    }
    index = new HnswIndex(dimension);
    counts = new FilterCounts(library, MODEL.id, () => 1);
    const { ids, vectors } = await library.readVectors(MODEL.id, 0, 100_000);
    await index.add(ids, vectors);
    const search = index.search.bind(index);
    index.search = (...args) => {
      graphSearches += 1;
      return search(...args);
    };
  });

  afterAll(async () => {
    await index.close();
    await library.close();
    rmSync(folder, { recursive: true });
  });

  it.each<[SegmentFilter, number]>([
    [{ label: 'rare' }, 10],
    [{ label: 'even' }, 10],
    [{ label: 'even' }, 200],
    [{ collection: 'large' }, 10],
    [{ collection: 'small' }, 10],
    [{ collection: 'small', label: 'even' }, 50],
    [{ excludeVideoIds: [1, 2, 3] }, 10],
    [{ collection: 'large', excludeVideoIds: Array.from({ length: 48 }, (_, i) => i + 1) }, 200],
    [{ collection: 'nowhere' }, 10],
  ])('%j with k %i gives what comparing with every allowed segment gives', async (filter, k) => {
    const { ids, vectors } = await library.readVectors(MODEL.id, 0, 100_000, filter);
    const exact = new ExactIndex(dimension);
    await exact.add(ids, vectors);
    // Queries near excluded, allowed and no videos at all.
    const all = await library.readVectors(MODEL.id, 0, 100_000);
    const rows = [3, 700, 1234, 2999].map((row) => rowOf(all.vectors, row, dimension));
    const queries = Float32Array.of(...rows.flatMap((row) => [...row]), ...unitVectors(2, dimension, 5));
    const found = await searchFiltered({ index, library, modelId: MODEL.id, counts }, queries, k, filter, {});
    const expected = await exact.search(queries, k);
    expect(found.map((neighbours) => neighbours.ids)).toEqual(expected.map((neighbours) => neighbours.ids));
    found.forEach((neighbours, query) => {
      neighbours.similarities.forEach((similarity, rank) => {
        expect(similarity).toBeCloseTo(expected[query]?.similarities[rank] as number, 5);
      });
    });
  });

  it('asks the graph where nearly all is allowed, and compares one by one where little is', async () => {
    const query = unitVectors(1, dimension, 6);
    const searchesFor = async (filter: SegmentFilter) => {
      graphSearches = 0;
      await searchFiltered({ index, library, modelId: MODEL.id, counts }, query, 10, filter, {});
      return graphSearches;
    };
    expect(await searchesFor({ excludeVideoIds: [1] })).toBe(1);
    expect(await searchesFor({ label: 'rare' })).toBe(0);
  });

  it('asks for no more neighbours than are enough where hardly anything is not allowed', async () => {
    const query = unitVectors(1, dimension, 6);
    const asked: number[] = [];
    const spied = {
      dimension,
      search: (...args: Parameters<HnswIndex['search']>) => {
        asked.push(args[1]);
        return index.search(...args);
      },
    };
    const parts = { index: spied as HnswIndex, library, modelId: MODEL.id, counts };
    await searchFiltered(parts, query, 200, { excludeVideoIds: [7] }, {});
    await searchFiltered(parts, query, 10, { collection: 'large' }, {});
    // The segments of one video more; those of ten videos would be more than twice as many as are expected to do.
    expect(asked).toEqual([200 + PER_VIDEO, Math.ceil((2 * 10) / (50 / 60))]);
  });

  it('refuses a query that is no unit vector', async () => {
    const parts = { index, library, modelId: MODEL.id, counts };
    const query = new Float32Array(dimension).fill(Number.NaN);
    await expect(searchFiltered(parts, query, 5, { label: 'rare' }, {})).rejects.toMatchObject({
      code: 'VECTOR_INVALID',
    });
  });
});

describe('FilterCounts', () => {
  it('counts once for each state of the index, and what is excluded each time', async () => {
    const { library } = await temporaryLibrary();
    for (const name of [1, 2, 3]) await putVideo(library, name, { video: { label: `label ${name % 2}` } });
    let counted = 0;
    const count = library.countSegments.bind(library);
    library.countSegments = (...args) => {
      counted += 1;
      return count(...args);
    };
    let sequence = 3;
    const counts = new FilterCounts(library, MODEL.id, () => sequence);
    const odd = { label: 'label 1' };
    expect(await counts.of(odd)).toEqual({ allowed: 6, total: 9 });
    expect(await counts.of({ ...odd, excludeVideoIds: [3] })).toEqual({ allowed: 3, total: 9 });
    expect(await counts.of({ excludeVideoIds: [1, 2, 3, 99] })).toEqual({ allowed: 0, total: 9 });
    expect(await counts.of({ label: 'none', excludeVideoIds: [1] })).toEqual({ allowed: 0, total: 9 });
    expect(counted).toBe(3);
    await putVideo(library, 5, { video: odd });
    expect(await counts.of(odd)).toEqual({ allowed: 6, total: 9 });
    sequence += 1;
    expect(await counts.of(odd)).toEqual({ allowed: 9, total: 12 });
    expect(counted).toBe(5);
  });

  it('keeps nothing that was counted while the index went on', async () => {
    const { library } = await temporaryLibrary();
    await putVideo(library, 1);
    let sequence = 1;
    let counted = 0;
    const count = library.countSegments.bind(library);
    library.countSegments = async (...args) => {
      const found = await count(...args);
      counted += 1;
      if (counted <= 2) sequence += 1;
      return found;
    };
    const counts = new FilterCounts(library, MODEL.id, () => sequence);
    for (let i = 0; i < 3; i += 1) expect(await counts.of({})).toEqual({ allowed: 3, total: 3 });
    // Twice for the first, whose counts are of no state, and once for the others.
    expect(counted).toBe(3);
  });
});
