import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { formatTable } from '../../index/cli/output.js';
import { ExactIndex } from '../../index/vectors/exact-index.js';
import { HnswIndex } from '../../index/vectors/hnsw-index.js';
import { SnapshotStore } from '../../index/vectors/snapshot.js';
import { measure, percentile } from './measure.js';

const DIMENSION = 256;
const CLUSTERS = 500;
const QUERIES = 200;
const K = 10;
const DEFAULT_SIZES = [10_000, 50_000];

/** Build rate, search time, recall against exact search, file size and reopening: `npm run bench -- vectors [SIZE...]`. */
export async function benchVectors(args: readonly string[]): Promise<void> {
  const sizes = args.length > 0 ? args.map(Number) : DEFAULT_SIZES;
  const rows: (string | number)[][] = [];
  for (const size of sizes) rows.push(await benchSize(size));
  process.stdout.write(
    `${formatTable(
      [
        'vectors',
        'inserts/s',
        'ms CPU an insert',
        'search p50 ms',
        'p99 ms',
        `recall@${K}`,
        'file MB',
        'reopen s',
        'RSS MB',
      ],
      rows,
    )}\n`,
  );
}

async function benchSize(size: number): Promise<(string | number)[]> {
  const vectors = clusteredVectors(size + QUERIES, DIMENSION, CLUSTERS);
  const stored = vectors.subarray(0, size * DIMENSION);
  const ids = Array.from({ length: size }, (_, i) => i + 1);
  const index = new HnswIndex(DIMENSION);
  const built = await measure(() => index.add(ids, stored));
  const exact = new ExactIndex(DIMENSION);
  await exact.add(ids, stored);
  const wall: number[] = [];
  let found = 0;
  for (let q = 0; q < QUERIES; q += 1) {
    const query = vectors.slice((size + q) * DIMENSION, (size + q + 1) * DIMENSION);
    const { result, wallMs } = await measure(() => index.search(query, K));
    wall.push(wallMs);
    const truth = new Set((await exact.search(query, K))[0]?.ids);
    found += result[0]?.ids.filter((id) => truth.has(id)).length ?? 0;
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'cliptrace-bench-'));
  const store = new SnapshotStore(folder, 'bench');
  await store.write(index, { sequence: size, mark: 0 });
  await index.close();
  let bytes = 0;
  for (const name of await readdir(folder)) bytes += (await stat(path.join(folder, name))).size;
  const again = new HnswIndex(DIMENSION);
  const reopened = await measure(() => store.read(again));
  if (!reopened.result.loaded) throw new Error(`The snapshot was not loaded: ${reopened.result.reason}`);
  const residentMB = process.memoryUsage.rss() / 1e6;
  await again.close();
  await rm(folder, { recursive: true });
  return [
    size,
    ((size / built.wallMs) * 1000).toFixed(0),
    (built.cpuMs / size).toFixed(2),
    percentile(wall, 0.5).toFixed(2),
    percentile(wall, 0.99).toFixed(2),
    (found / QUERIES / K).toFixed(4),
    (bytes / 1e6).toFixed(1),
    (reopened.wallMs / 1000).toFixed(2),
    residentMB.toFixed(0),
  ];
}

/** Unit vectors around random centres: neighbouring segments of videos are alike, not uniformly spread. */
function clusteredVectors(count: number, dimension: number, clusters: number): Float32Array {
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  const centres = Float32Array.from({ length: clusters * dimension }, random);
  const vectors = new Float32Array(count * dimension);
  for (let row = 0; row < count; row += 1) {
    const centre = Math.floor(((random() + 1) / 2) * clusters) * dimension;
    const vector = vectors.subarray(row * dimension, (row + 1) * dimension);
    for (let d = 0; d < dimension; d += 1) vector[d] = (centres[centre + d] as number) + 0.7 * random();
    const norm = Math.hypot(...vector);
    for (let d = 0; d < dimension; d += 1) vector[d] = (vector[d] as number) / norm;
  }
  return vectors;
}
