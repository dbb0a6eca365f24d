import { expect, it } from 'vitest';
import { parseMetaCondition } from '../../index/library/video-filter.js';
import { ExactIndex } from '../../index/vectors/exact-index.js';
import { FilterCounts } from '../../index/vectors/filter-counts.js';
import { searchFiltered } from '../../index/vectors/filtered-search.js';
import { HnswIndex } from '../../index/vectors/hnsw-index.js';
import { MODEL, putVideo, temporaryLibrary } from '../library/fixtures.js';
import { clusteredUnitVectors, unitVectors } from './vectors.js';

const { dimension, timesteps } = MODEL;
const VIDEOS = 1000;
const PER_VIDEO = 4;
const QUERIES = 20;

it('costs no recall at 10, whether 50, 10, 1 or 0.1 % of the segments are allowed', async () => {
  const { library } = await temporaryLibrary();
  const embeddings = clusteredUnitVectors(VIDEOS * PER_VIDEO, dimension, {
    clusters: 50,
    spread: 0.7,
    seed: 1,
  });
  for (let name = 0; name < VIDEOS; name += 1) {
    const start = name * PER_VIDEO * dimension;
    const { id } = await putVideo(library, name, {
      segments: {
        spans: Array.from({ length: PER_VIDEO }, (_, i) => ({ startSeconds: i, endSeconds: i + 2 })),
        embeddings: embeddings.slice(start, start + PER_VIDEO * dimension),
        timesteps: unitVectors(PER_VIDEO * timesteps, dimension, name + 1),
      },
    });
    await library.putMetadata(id, { number: String(name) });
  }
  const index = new HnswIndex(dimension);
  const all = await library.readVectors(MODEL.id, 0, 100_000);
  await index.add(all.ids, all.vectors);
  const queries = clusteredUnitVectors(QUERIES, dimension, { clusters: 50, spread: 0.7, seed: 1 });
  const counts = new FilterCounts(library, MODEL.id, () => 1);
  for (const share of [0.5, 0.1, 0.01, 0.001]) {
    const filter = { meta: [parseMetaCondition('number', `0..${share * VIDEOS - 1}`)] };
    const allowed = await library.readVectors(MODEL.id, 0, 100_000, filter);
    expect(allowed.ids.length).toBe(share * VIDEOS * PER_VIDEO);
    const exact = new ExactIndex(dimension);
    await exact.add(allowed.ids, allowed.vectors);
    const expected = await exact.search(queries, 10);
    const found = await searchFiltered(
      { index, library, modelId: MODEL.id, counts },
      queries,
      10,
      filter,
      {},
    );
    let right = 0;
    let wanted = 0;
    expected.forEach(({ ids }, query) => {
      right += ids.filter((id) => found[query]?.ids.includes(id)).length;
      wanted += ids.length;
    });
    expect(right / wanted, `${100 * share} %`).toBeGreaterThanOrEqual(0.99);
  }
  await index.close();
});
