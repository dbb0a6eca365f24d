import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatTable } from '../../../index/cli/output.js';
import { MAX_BATCH } from '../../../index/cliptrace.js';
import { readManifest } from '../../../index/encoder/manifest.js';
import { manifestPathOf } from '../../../index/encoder/model-store.js';
import { resolveFfmpeg } from '../../../index/media/ffmpeg-program.js';
import { readSettings } from '../../../index/settings.js';
import buildWhatIsStale from '../../helpers/build-once.js';
import { createWorkspace } from '../../helpers/workspace.js';
import { percentile } from '../measure.js';
import { writeCopies, writeShortClips } from './archive.js';
import { bareDecode } from './bare-decode.js';
import { runCounted } from './counted.js';
import { runIndex } from './run-index.js';

/** `cliptrace index` over the whole archive. */
interface IndexRun {
  wallMs: number;
  cpuMs: number;
  segments: number;
  videoSeconds: number;
  indexedPaths: string[];
  /** Of the data folder, by its first names. */
  bytes: Record<string, number>;
}

/** What the parts take alone. */
interface Parts {
  /** The pipeline as far as the clips. */
  decodeCpuMs: number;
  /** ffmpeg without the pipeline, and without pictures. */
  bareDecodeCpuMs: number;
  encodeCpuMs: number;
}

/** The parts beside the mean of the indexing before and after them. */
type Round = Parts & Pick<IndexRun, 'wallMs' | 'cpuMs'>;

const HERE = path.dirname(fileURLToPath(import.meta.url));

/**
 * `npm run bench -- ingest [--archive FOLDER | --copies N | --short N] [--rounds N]`: what `cliptrace index` takes, beside what its parts
 * take alone: decoding as it does it (with pictures and pipes, nothing behind), decoding by one bare ffmpeg a file (frames of the clips to
 * nowhere, no pictures), encoding as many clips. In turn, and indexing once more at the end: the parts are compared with the mean of
 * the indexing before and after them, because the speed of a machine drifts by more than what is measured. Without an archive: N
 * copies of each sample (24 are an hour: the start of a process, which its parts are counted without, is a twenty-fifth of 20
 * minutes), or N clips of two seconds.
 */
export async function benchIngest(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      archive: { type: 'string' },
      copies: { type: 'string', default: '24' },
      short: { type: 'string' },
      rounds: { type: 'string', default: '3' },
    },
  });
  buildWhatIsStale();
  const workspace = createWorkspace();
  try {
    const archive = path.resolve(values.archive ?? workspace.archive);
    if (values.short) await writeShortClips(archive, Number(values.short));
    else if (!values.archive) await writeCopies(archive, Number(values.copies));
    let before = await index(archive, workspace.data);
    const first = before;
    const rounds: Round[] = [];
    for (let round = 0; round < Number(values.rounds); round += 1) {
      const parts = await runParts(before, workspace.data);
      const after = await index(archive, workspace.data);
      const mean = (key: 'wallMs' | 'cpuMs') => (before[key] + after[key]) / 2;
      rounds.push({ ...parts, wallMs: mean('wallMs'), cpuMs: mean('cpuMs') });
      before = after;
    }
    printRounds(first, rounds);
  } finally {
    workspace.remove();
  }
}

async function index(archive: string, data: string): Promise<IndexRun> {
  const run = await runIndex(archive, data);
  const bytes = bytesBelow(data);
  rmSync(data, { recursive: true, force: true });
  return { ...run, bytes };
}

async function runParts({ indexedPaths, segments }: IndexRun, data: string): Promise<Parts> {
  const settings = readSettings(process.env);
  const { manifest } = await readManifest(manifestPathOf(settings.modelFolder), settings.precision);
  const decodeCpuMs = await decodeOnly(indexedPaths, segments, data);
  const bareDecodeCpuMs = await bareDecode({
    ffmpeg: (await resolveFfmpeg({ env: process.env })).path,
    filePaths: indexedPaths,
    preprocessing: manifest.preprocessing,
    processes: settings.decodes,
    listPath: `${data}.list`,
  });
  const encodeCpuMs = await encodeOnly(segments);
  return { decodeCpuMs, bareDecodeCpuMs, encodeCpuMs };
}

function bytesBelow(data: string): Record<string, number> {
  const bytes: Record<string, number> = {};
  for (const name of readdirSync(data, { recursive: true, encoding: 'utf8' })) {
    const stats = statSync(path.join(data, name));
    const [first = name] = name.split(path.sep);
    if (stats.isFile()) bytes[first] = (bytes[first] ?? 0) + stats.size;
  }
  return bytes;
}

/** In a process of its own, with its children; without its start. Throws when it gives other segments than the index has. */
async function decodeOnly(
  filePaths: readonly string[],
  wantedSegments: number,
  data: string,
): Promise<number> {
  const list = `${data}.list.json`;
  writeFileSync(list, JSON.stringify(filePaths));
  const script = path.join(HERE, 'decode-only.ts');
  const args = ['--import', 'tsx', script, list];
  const { stdout, cpuMs } = await runCounted({ command: process.execPath, args });
  rmSync(list);
  const { startCpuMs, segments } = JSON.parse(stdout) as { startCpuMs: number; segments: number };
  if (segments !== wantedSegments)
    throw new Error(`Decoding alone gave ${segments} segments, the index has ${wantedSegments}`);
  return cpuMs - startCpuMs;
}

/** In a process of its own; without its start and end. */
async function encodeOnly(clips: number): Promise<number> {
  const script = path.join(HERE, 'encode-only.ts');
  const { stdout } = await runCounted({
    command: process.execPath,
    args: ['--import', 'tsx', script, String(clips), String(MAX_BATCH)],
  });
  return (JSON.parse(stdout) as { cpuMs: number }).cpuMs;
}

/** What an hour of such video takes; the start of the process is part of it. */
function printHour({ segments, videoSeconds, bytes, cpuMs, wallMs }: IndexRun): void {
  const hours = videoSeconds / 3600;
  const megabytes = Object.entries(bytes)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${(count / hours / 1e6).toFixed(1)} MB`);
  const seconds = [cpuMs, wallMs].map((ms) => (ms / 1000 / hours).toFixed(0));
  process.stdout.write(
    `An hour: ${Math.round(segments / hours)} segments, ${seconds[0]} s of processor time, ${seconds[1]} s; ${megabytes.join(', ')}\n`,
  );
}

function printRounds(first: IndexRun, rounds: readonly Round[]): void {
  const seconds = (ms: number) => (ms / 1000).toFixed(2);
  const sums = rounds.map((round) => round.decodeCpuMs + round.encodeCpuMs);
  const bareSums = rounds.map((round) => round.bareDecodeCpuMs + round.encodeCpuMs);
  const ratios = {
    cpu: rounds.map((round, i) => round.cpuMs / (sums[i] as number)),
    wall: rounds.map((round, i) => round.wallMs / ((sums[i] as number) / 2)),
    bareCpu: rounds.map((round, i) => round.cpuMs / (bareSums[i] as number)),
    bareWall: rounds.map((round, i) => round.wallMs / ((bareSums[i] as number) / 2)),
  };
  const rows = rounds.map((round, i) => [
    ...[round.cpuMs, round.decodeCpuMs, round.bareDecodeCpuMs, round.encodeCpuMs, round.wallMs].map(seconds),
    ...Object.values(ratios).map((values) => (values[i] as number).toFixed(3)),
  ]);
  process.stdout.write(
    `${first.segments} segments, ${(first.videoSeconds / 60).toFixed(1)} minutes of video; load ${loadavg()[0]?.toFixed(1)}\n`,
  );
  printHour(first);
  const headers = [
    'index CPU s',
    'decode-only',
    'bare ffmpeg',
    'encode-only',
    'index wall s',
    'CPU / sum',
    'wall / (sum / 2)',
    'CPU / bare sum',
    'wall / (bare sum / 2)',
  ];
  process.stdout.write(`${formatTable(headers, rows)}\n`);
  const median = (values: readonly number[]) => percentile(values, 0.5).toFixed(3);
  const line = (sum: string, cpu: readonly number[], wall: readonly number[]) =>
    `Median: CPU / (${sum}) ${median(cpu)}, wall / (that sum / 2) ${median(wall)}\n`;
  process.stdout.write(
    line('decode-only + encode-only', ratios.cpu, ratios.wall) +
      line('bare ffmpeg without pictures + encode-only', ratios.bareCpu, ratios.bareWall) +
      'Wanted: at most 1.10, and 1.15 on two processors\n',
  );
}
