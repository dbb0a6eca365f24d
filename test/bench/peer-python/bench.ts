import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatTable } from '../../../index/cli/output.js';
import { readManifest } from '../../../index/encoder/manifest.js';
import { manifestPathOf } from '../../../index/encoder/model-store.js';
import { openDataFolder } from '../../../index/library/data-folder.js';
import { openLibrary } from '../../../index/library/sqlite-library.js';
import { readSettings } from '../../../index/settings.js';
import { findPython } from '../../../trainer/environment.js';
import buildWhatIsStale from '../../helpers/build-once.js';
import { createWorkspace } from '../../helpers/workspace.js';
import { writeCopies } from '../ingest/archive.js';
import { runCounted } from '../ingest/counted.js';
import { runIndex } from '../ingest/run-index.js';
import { percentile } from '../measure.js';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const BACKENDS = ['torch', 'onnxruntime'] as const;

interface PeerResult {
  importSeconds: number;
  workSeconds: number;
  /** Clips of each file. */
  counts: number[];
}

/**
 * `npm run bench -- peer-python [--archive FOLDER | --copies N] [--rounds N]`: `cliptrace index` beside the same in Python (`peer.py`),
 * in an environment of its own below the system's temporary folder. Prints wall times, their ratios, and how far the embeddings agree.
 */
export async function benchPeerPython(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      archive: { type: 'string' },
      copies: { type: 'string', default: '8' },
      rounds: { type: 'string', default: '3' },
    },
  });
  const python = ensurePeer();
  buildWhatIsStale();
  const workspace = createWorkspace();
  try {
    const archive = path.resolve(values.archive ?? workspace.archive);
    if (!values.archive) await writeCopies(archive, Number(values.copies));
    const times: Record<string, number[]> = { cliptrace: [] };
    for (let round = 0; round < Number(values.rounds); round += 1) {
      rmSync(workspace.data, { recursive: true, force: true });
      const { indexedPaths: indexed, wallMs } = await runIndex(archive, workspace.data);
      times.cliptrace?.push(wallMs / 1000);
      for (const backend of BACKENDS) {
        const out = path.join(workspace.root, backend);
        mkdirSync(out, { recursive: true });
        const peer = await runPeer({ python, backend, files: indexed, out });
        const list = (name: string) => (times[name] ??= []);
        list(backend).push(peer.wallSeconds);
        list(`${backend}, without imports`).push(peer.result.workSeconds);
        if (round === 0)
          await printAgreement({ backend, files: indexed, out, data: workspace.data, ...peer.result });
      }
    }
    printTimes(times);
  } finally {
    workspace.remove();
  }
}

/** The environment's Python; made at the first run. */
function ensurePeer(): string {
  const requirements = path.join(HERE, 'requirements.txt');
  const mark = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 8);
  const folder = path.join(tmpdir(), `cliptrace-peer-python-${mark}`);
  const python = path.join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const complete = path.join(folder, 'complete');
  if (existsSync(complete)) return python;
  process.stdout.write(`Installing the Python packages into ${folder}\n`);
  const run = (command: string, ...args: string[]) => {
    const { status } = spawnSync(command, args, { stdio: 'inherit' });
    if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
  };
  run(findPython(process.env), '-m', 'venv', '--clear', folder);
  run(python, '-m', 'pip', 'install', '--quiet', '-r', requirements);
  writeFileSync(complete, '');
  return python;
}

async function runPeer(options: {
  python: string;
  backend: (typeof BACKENDS)[number];
  files: readonly string[];
  out: string;
}): Promise<{ wallSeconds: number; result: PeerResult }> {
  const { python, backend, files, out } = options;
  const manifest = manifestPathOf(readSettings(process.env).modelFolder);
  const { modelPath } = await readManifest(manifest);
  const job = path.join(out, 'job.json');
  writeFileSync(job, JSON.stringify({ manifest, model: modelPath, backend, files, out }));
  const { stdout, wallMs } = await runCounted({ command: python, args: [path.join(HERE, 'peer.py'), job] });
  return { wallSeconds: wallMs / 1000, result: JSON.parse(stdout) as PeerResult };
}

/** Each embedding of the library against that of the peer. */
async function printAgreement(options: {
  backend: string;
  files: readonly string[];
  out: string;
  data: string;
  counts: readonly number[];
}): Promise<void> {
  const { backend, files, out, data, counts } = options;
  const settings = readSettings(process.env);
  const { manifest } = await readManifest(manifestPathOf(settings.modelFolder));
  const bytes = readFileSync(path.join(out, 'embeddings.f32'));
  const theirs = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const library = await openLibrary({
    dataFolder: await openDataFolder(data, { create: false }),
    mode: 'read',
  });
  const cosines: number[] = [];
  let row = 0;
  for (const [i, file] of files.entries()) {
    const stored = await library.findFile('default', file);
    const segments = stored ? await library.segmentsOf(stored.videoId, manifest.id) : [];
    const { vectors } = await library.vectorsOf(segments.map(({ id }) => id));
    if (segments.length !== counts[i]) {
      throw new Error(`${file}: ${segments.length} segments in the library, ${counts[i]} clips in Python`);
    }
    for (let clip = 0; clip < segments.length; clip += 1, row += 1) {
      let cosine = 0;
      for (let d = 0; d < manifest.dimension; d += 1) {
        cosine +=
          (vectors[clip * manifest.dimension + d] as number) *
          (theirs[row * manifest.dimension + d] as number);
      }
      cosines.push(cosine);
    }
  }
  await library.close();
  const lowest = Math.min(...cosines);
  const mean = cosines.reduce((sum, value) => sum + value, 0) / cosines.length;
  process.stdout.write(
    `${backend}: ${cosines.length} embeddings, cosine to ours ${lowest.toFixed(5)} at least, ${mean.toFixed(6)} in the mean` +
      `${lowest > 0.999 ? '' : '  <- above 0.999 is wanted'}\n`,
  );
}

function printTimes(times: Readonly<Record<string, readonly number[]>>): void {
  const median = (values: readonly number[]) => percentile(values, 0.5);
  const ours = median(times.cliptrace ?? []);
  const rows = Object.entries(times).map(([name, seconds]) => [
    name,
    seconds.map((one) => one.toFixed(1)).join(' '),
    median(seconds).toFixed(1),
    (median(seconds) / ours).toFixed(2),
  ]);
  process.stdout.write(
    `Load ${loadavg()[0]?.toFixed(1)}; at least 1.5 against torch and 1.0 against onnxruntime are wanted\n`,
  );
  process.stdout.write(`${formatTable(['', 'wall s of each round', 'median', 'over cliptrace'], rows)}\n`);
}
