import { letHeapsGrow } from '../../index/cli/heap-growth.js';
import { benchBadFiles } from './bad-files.js';
import { benchEdits } from './edits.js';
import { benchEncoder } from './encoder.js';
import { benchIngest } from './ingest/bench.js';
import { benchLoad } from './load.js';
import { benchMemory } from './memory.js';
import { benchNoSource } from './no-source.js';
import { benchPeerPython } from './peer-python/bench.js';
import { benchSearch } from './search/bench.js';
import { benchSizing } from './sizing.js';
import { benchVectors } from './vectors/bench.js';
import { benchChurn } from './vectors/churn.js';

/** `npm run bench -- TARGET`: measures and prints; asserts nothing, because a busy machine is no mistake. */
const TARGETS: Record<string, (args: readonly string[]) => Promise<void>> = {
  'bad-files': benchBadFiles,
  churn: benchChurn,
  edits: benchEdits,
  encoder: benchEncoder,
  load: benchLoad,
  ingest: benchIngest,
  memory: benchMemory,
  'no-source': benchNoSource,
  search: benchSearch,
  sizing: benchSizing,
  'peer-python': benchPeerPython,
  vectors: benchVectors,
};

// As the program does.
letHeapsGrow();
const [target = '', ...args] = process.argv.slice(2);
const bench = TARGETS[target];
if (bench) await bench(args);
else {
  process.stderr.write(
    `Usage: npm run bench -- TARGET, where TARGET is one of ${Object.keys(TARGETS).join(', ')}\n`,
  );
  process.exitCode = 2;
}
