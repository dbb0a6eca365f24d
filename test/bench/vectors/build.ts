// Builds an index of SIZE vectors in FOLDER, in a process of its own, and prints what that took as JSON.
import { HnswIndex } from '../../../index/vectors/hnsw-index.js';
import { SnapshotStore } from '../../../index/vectors/snapshot.js';
import { measure } from '../measure.js';
import { benchVectors, DIMENSION } from './data.js';
import { residentMB, settledMB } from './memory.js';

/** As the product adds them. */
const BATCH = 1024;

const size = Number(process.argv[2]);
const folder = process.argv[3] as string;
const index = new HnswIndex(DIMENSION);
await index.size();
// What the process itself takes, with its thread and a batch of vectors.
benchVectors(0, BATCH);
const baselineMB = await settledMB();
let wallMs = 0;
let cpuMs = 0;
for (let start = 0; start < size; start += BATCH) {
  const end = Math.min(size, start + BATCH);
  const vectors = benchVectors(start, end);
  const ids = Array.from({ length: end - start }, (_, i) => start + i + 1);
  const step = await measure(() => index.add(ids, vectors));
  wallMs += step.wallMs;
  cpuMs += step.cpuMs;
}
const builtMB = await settledMB();
const saved = await measure(() =>
  new SnapshotStore(folder, 'bench').write(index, { sequence: size, mark: 0 }),
);
const peakMB = process.resourceUsage().maxRSS / 1e3;
await index.close();
process.stdout.write(
  JSON.stringify({
    size,
    wallMs,
    cpuMs,
    baselineMB,
    builtMB,
    saveMs: saved.wallMs,
    savedMB: residentMB(),
    peakMB,
  }),
);
