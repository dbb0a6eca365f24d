// Opens the index of SIZE vectors that lies in FOLDER, in a process of its own, and prints as JSON what that, its memory
// and its answers are like.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { dot } from '../../../index/vectors/dot.js';
import { HnswIndex } from '../../../index/vectors/hnsw-index.js';
import { SnapshotStore } from '../../../index/vectors/snapshot.js';
import { TopK } from '../../../index/vectors/top-k.js';
import { measure, percentile } from '../measure.js';
import { benchQueries, benchVectors, DIMENSION } from './data.js';
import { settledMB } from './memory.js';

const ROUNDS = 9;
const QUERIES = 1000;
/** Compared with exact search. */
const TRUE_QUERIES = 100;
const K = 10;
const BATCH = 4096;

const size = Number(process.argv[2]);
const folder = process.argv[3] as string;
const store = new SnapshotStore(folder, 'bench');
const graph = join(folder, (await readdir(folder)).find((name) => name.endsWith('.hnsw')) as string);
// First, while the process has held nothing else.
const index = new HnswIndex(DIMENSION);
await index.size();
const baselineMB = await settledMB();
await store.read(index);
const openMB = await settledMB();
const searchMs = await timeSearches(index);
const recall = await recallOf(index);
await index.close();

const readMs: number[] = [];
const readCpuMs: number[] = [];
/** Of the thread, with its modules. */
const startMs: number[] = [];
const reopenMs: number[] = [];
const reopenCpuMs: number[] = [];
// In turns, so that whatever else the machine does falls on both. The file is in the system's cache from the first on.
for (let round = 0; round < ROUNDS; round += 1) {
  const reading = await measure(async () => (await readFile(graph)).length);
  readMs.push(reading.wallMs);
  readCpuMs.push(reading.cpuMs);
  const startedAt = performance.now();
  const again = new HnswIndex(DIMENSION);
  await again.size();
  startMs.push(performance.now() - startedAt);
  const reopened = await measure(() => store.read(again));
  if (!reopened.result.loaded) throw new Error(`The snapshot was not loaded: ${reopened.result.reason}`);
  reopenMs.push(reopened.wallMs);
  reopenCpuMs.push(reopened.cpuMs);
  await again.close();
}
process.stdout.write(
  JSON.stringify({
    fileBytes: (await stat(graph)).size,
    // The best of some: what else runs on the machine only ever adds.
    readMs: Math.min(...readMs),
    readCpuMs: Math.min(...readCpuMs),
    reopenMs: Math.min(...reopenMs),
    reopenCpuMs: Math.min(...reopenCpuMs),
    startMs: Math.min(...startMs),
    indexMB: openMB - baselineMB,
    baselineMB,
    searchP50Ms: percentile(searchMs, 0.5),
    searchP99Ms: percentile(searchMs, 0.99),
    recall,
  }),
);

async function timeSearches(target: HnswIndex): Promise<number[]> {
  const queries = benchQueries(QUERIES);
  const times: number[] = [];
  for (let row = 0; row < QUERIES; row += 1) {
    const query = queries.slice(row * DIMENSION, (row + 1) * DIMENSION);
    times.push((await measure(() => target.search(query, K))).wallMs);
  }
  return times;
}

/** Share of the true nearest that are found. */
async function recallOf(target: HnswIndex): Promise<number> {
  const queries = benchQueries(TRUE_QUERIES);
  const best = Array.from({ length: TRUE_QUERIES }, () => new TopK(K));
  for (let start = 0; start < size; start += BATCH) {
    const end = Math.min(size, start + BATCH);
    const vectors = benchVectors(start, end);
    best.forEach((kept, query) => {
      for (let row = 0; row < end - start; row += 1) {
        kept.offer(start + row + 1, dot(queries, query, vectors, row, DIMENSION));
      }
    });
  }
  const answers = await target.search(queries, K);
  let found = 0;
  best.forEach((kept, query) => {
    const truth = new Set(kept.take().ids);
    found += answers[query]?.ids.filter((id) => truth.has(id)).length ?? 0;
  });
  return found / (TRUE_QUERIES * K);
}
