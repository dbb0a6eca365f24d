import { dot } from '../../../index/vectors/dot.js';
import { HnswIndex } from '../../../index/vectors/hnsw-index.js';
import { TopK } from '../../../index/vectors/top-k.js';
import { measure, percentile } from '../measure.js';
import { benchQueries, benchVectors, DIMENSION } from './data.js';

const DEFAULT_SIZE = 20_000;
const BATCH = 1024;
const QUERIES = 100;
const K = 10;

/** Vectors by id, as `benchVectors` makes them: ids that are now in the index. */
type Content = Set<number>;

/**
 * `npm run bench -- churn [SIZE]`: recall@10 and search time of an index of which every second vector is removed and as many
 * are added, before, while and after its graph is built anew.
 */
export async function benchChurn([sizeText = String(DEFAULT_SIZE)]: readonly string[]): Promise<void> {
  const size = Number(sizeText);
  const index = new HnswIndex(DIMENSION);
  const content: Content = new Set();
  process.stdout.write(
    `${size} x ${DIMENSION}\nstate                     recall@10   p50 ms   p99 ms   deleted nodes\n`,
  );
  try {
    await add(index, content, 1, size + 1);
    await tell('built', index, content);
    const removed = [...content].filter((id) => id % 2 === 0);
    await index.remove(removed);
    for (const id of removed) content.delete(id);
    await tell('half removed', index, content);
    await add(index, content, size + 1, size + 1 + removed.length);
    await tell('as many added', index, content);
    const compacting = measure(() => index.compact());
    await tell('while it is built anew', index, content);
    const { wallMs, cpuMs } = await compacting;
    await tell('built anew', index, content);
    process.stdout.write(
      `Building anew took ${(wallMs / 1000).toFixed(1)} s, ${(cpuMs / 1000).toFixed(1)} s of CPU with the searches beside it.\n`,
    );
  } finally {
    await index.close();
  }
}

async function add(index: HnswIndex, content: Content, from: number, to: number): Promise<void> {
  for (let start = from; start < to; start += BATCH) {
    const end = Math.min(to, start + BATCH);
    const ids = Array.from({ length: end - start }, (_, i) => start + i);
    await index.add(ids, benchVectors(start, end));
    for (const id of ids) content.add(id);
  }
}

async function tell(state: string, index: HnswIndex, content: Content): Promise<void> {
  const queries = benchQueries(QUERIES);
  const truth = nearest(queries, content);
  const times: number[] = [];
  let found = 0;
  for (let row = 0; row < QUERIES; row += 1) {
    const query = queries.slice(row * DIMENSION, (row + 1) * DIMENSION);
    const { result, wallMs } = await measure(() => index.search(query, K));
    times.push(wallMs);
    found += result[0]?.ids.filter((id) => truth[row]?.has(id)).length ?? 0;
  }
  const { deletedCount } = await index.counts();
  const columns = [found / (QUERIES * K), percentile(times, 0.5), percentile(times, 0.99)];
  process.stdout.write(
    `${state.padEnd(24)} ${columns.map((value, i) => value.toFixed(i === 0 ? 4 : 2).padStart(9)).join('')} ${String(deletedCount).padStart(15)}\n`,
  );
}

/** Ids of the true nearest of each query. */
function nearest(queries: Float32Array, content: Content): Set<number>[] {
  const best = Array.from({ length: QUERIES }, () => new TopK(K));
  const last = [...content].reduce((most, id) => Math.max(most, id), 0);
  for (let start = 1; start <= last; start += BATCH) {
    const vectors = benchVectors(start, Math.min(last + 1, start + BATCH));
    best.forEach((kept, query) => {
      for (let row = 0; row < vectors.length / DIMENSION; row += 1) {
        if (content.has(start + row)) kept.offer(start + row, dot(queries, query, vectors, row, DIMENSION));
      }
    });
  }
  return best.map((kept) => new Set(kept.take().ids));
}
