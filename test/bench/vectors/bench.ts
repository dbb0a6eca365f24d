import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { formatTable } from '../../../index/cli/output.js';
import { DIMENSION } from './data.js';

const DEFAULT_SIZES = [10_000, 100_000, 200_000];
const TARGETS = { reopen: 1.5, memory: 1.6 };

interface Built {
  size: number;
  wallMs: number;
  cpuMs: number;
  baselineMB: number;
  builtMB: number;
  saveMs: number;
  peakMB: number;
}

interface Answered {
  fileBytes: number;
  readMs: number;
  readCpuMs: number;
  startMs: number;
  reopenMs: number;
  reopenCpuMs: number;
  indexMB: number;
  baselineMB: number;
  searchP50Ms: number;
  searchP99Ms: number;
  recall: number;
}

/**
 * `npm run bench -- vectors [--keep FOLDER] [SIZE...]`: build rate, memory, file, search and reopening by size. A million
 * vectors take most of an hour to build and are measured when asked for. With --keep, indexes that lie there are not
 * built again, so that only opening and searching need a quiet machine.
 */
export async function benchVectors(args: readonly string[]): Promise<void> {
  const keepAt = args.indexOf('--keep');
  const kept = keepAt < 0 ? null : path.resolve(args[keepAt + 1] as string);
  const sizes = args
    .filter((_, position) => keepAt < 0 || (position !== keepAt && position !== keepAt + 1))
    .map(Number);
  const folder = kept ?? (await mkdtemp(path.join(tmpdir(), 'cliptrace-bench-')));
  try {
    const measured: [Built, Answered][] = [];
    for (const size of sizes.length > 0 ? sizes : DEFAULT_SIZES) measured.push(await benchSize(size, folder));
    process.stdout.write(`${table(measured)}\n\n${measured.map(ratios).join('\n')}\n${growth(measured)}\n`);
  } finally {
    if (kept === null) await rm(folder, { recursive: true, force: true });
  }
}

async function benchSize(size: number, root: string): Promise<[Built, Answered]> {
  const folder = path.join(root, String(size));
  await mkdir(folder, { recursive: true });
  const record = path.join(root, `${size}.built.json`);
  const built = (await readJson(record)) ?? (await run('build', size, folder));
  await writeFile(record, JSON.stringify(built));
  return [built as Built, (await run('answer', size, folder)) as Answered];
}

async function readJson(file: string): Promise<unknown> {
  return await readFile(file, 'utf8').then(JSON.parse, () => null);
}

/** A process of its own, so that no measurement sees the memory of another. */
async function run(script: string, size: number, folder: string): Promise<unknown> {
  const file = fileURLToPath(new URL(`./${script}.ts`, import.meta.url));
  const args = ['--import', 'tsx', '--expose-gc', file, String(size), folder];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 20 });
  return JSON.parse(stdout);
}

function table(measured: readonly [Built, Answered][]): string {
  const headers = [
    'vectors',
    'inserts/s',
    'ms CPU an insert',
    'file MB',
    'index MB built',
    'opened',
    'peak while saving',
    'baseline',
    'p50 ms',
    'p99 ms',
    'recall@10',
    'read file ms',
    'CPU',
    'reopen ms',
    'CPU',
    'thread start ms',
  ];
  const rows = measured.map(([built, answered]) => [
    built.size,
    ((built.size / built.wallMs) * 1000).toFixed(0),
    (built.cpuMs / built.size).toFixed(2),
    (answered.fileBytes / 1e6).toFixed(1),
    (built.builtMB - built.baselineMB).toFixed(0),
    answered.indexMB.toFixed(0),
    (built.peakMB - built.baselineMB).toFixed(0),
    answered.baselineMB.toFixed(0),
    answered.searchP50Ms.toFixed(2),
    answered.searchP99Ms.toFixed(2),
    answered.recall.toFixed(4),
    answered.readMs.toFixed(0),
    answered.readCpuMs.toFixed(0),
    answered.reopenMs.toFixed(0),
    answered.reopenCpuMs.toFixed(0),
    answered.startMs.toFixed(0),
  ]);
  return formatTable(headers, rows);
}

function ratios([built, answered]: [Built, Answered]): string {
  const rawMB = (built.size * DIMENSION * 4) / 1e6;
  const reopen = answered.reopenMs / answered.readMs;
  const cpu = answered.reopenCpuMs / answered.readCpuMs;
  const memory = answered.indexMB / rawMB;
  const grown = (built.builtMB - built.baselineMB) / rawMB;
  return (
    `${built.size}: reopening ${reopen.toFixed(2)} x reading its file, ${cpu.toFixed(2)} x in CPU (target ${TARGETS.reopen}), ` +
    `memory ${memory.toFixed(2)} x the raw vectors opened, ${grown.toFixed(2)} x built (target ${TARGETS.memory}), ` +
    `file ${(answered.fileBytes / 1e6 / rawMB).toFixed(2)} x`
  );
}

/** What becomes of each figure where the number of vectors grows. */
function growth(measured: readonly [Built, Answered][]): string {
  return measured
    .slice(1)
    .map(([built, answered], i) => {
      const [smaller, before] = measured[i] as [Built, Answered];
      const times = (now: number, then: number) => `x ${(now / then).toFixed(2)}`;
      return (
        `${smaller.size} -> ${built.size} (${times(built.size, smaller.size)}): ` +
        `CPU an insert ${times(built.cpuMs / built.size, smaller.cpuMs / smaller.size)}, ` +
        `p50 ${times(answered.searchP50Ms, before.searchP50Ms)}, file ${times(answered.fileBytes, before.fileBytes)}, ` +
        `memory ${times(answered.indexMB, before.indexMB)}, reopening ${times(answered.reopenMs, before.reopenMs)}`
      );
    })
    .join('\n');
}
