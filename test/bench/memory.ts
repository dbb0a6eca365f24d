import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { ffmpeg, SAMPLES } from '../fixtures/videos.js';
import { createWorkspace, PROJECT_ROOT } from '../helpers/workspace.js';

interface Subject {
  name: string;
  what: string;
  make(file: string): Promise<unknown>;
  extension: string;
}

const SIZE_8K = '8192x4320';
const STREAMS = 1000;

const SUBJECTS: readonly Subject[] = [
  {
    name: 'short',
    what: '30 s, 426x240, for comparison',
    extension: 'mp4',
    make: (file) => ffmpeg('-i', path.join(SAMPLES, 'car-detection.mp4'), '-c', 'copy', file),
  },
  {
    name: 'hours',
    what: '4 hours, 426x240',
    extension: 'mkv',
    make: (file) =>
      ffmpeg(
        '-stream_loop',
        '-1',
        '-i',
        path.join(SAMPLES, 'car-detection.mp4'),
        '-t',
        '14400',
        '-c',
        'copy',
        file,
      ),
  },
  {
    name: '8k',
    what: `${SIZE_8K}, H.264 with 3 reference frames, 4 s`,
    extension: 'mp4',
    make: (file) => make8k(file, ['-c:v', 'libx264', '-preset', 'ultrafast', '-refs', '3', '-bf', '2']),
  },
  {
    name: '8k-references',
    what: `${SIZE_8K}, H.264 with 16 reference frames, 4 s`,
    extension: 'mp4',
    make: (file) =>
      make8k(file, ['-c:v', 'libx264', '-preset', 'ultrafast', '-refs', '16', '-bf', '8', '-b-pyramid', '2']),
  },
  {
    name: '8k-10bit',
    what: `${SIZE_8K}, HEVC 10 bit, 2 s`,
    extension: 'mkv',
    make: (file) =>
      make8k(file, [
        '-c:v',
        'libx265',
        '-preset',
        'ultrafast',
        '-pix_fmt',
        'yuv420p10le',
        '-x265-params',
        'log-level=none',
        '-t',
        '2',
      ]),
  },
  streams('streams', '128x96'),
  streams('streams-large', '1920x1080'),
];

function streams(name: string, size: string): Subject {
  return {
    name,
    what: `${STREAMS} video streams of ${size}, 2 s`,
    // Matroska holds 126 at most.
    extension: 'mp4',
    make: async (file) => {
      const one = `${file}.one.mp4`;
      const input = ['-t', '2', '-i', path.join(SAMPLES, 'classroom.mp4'), '-an'];
      await ffmpeg(...input, '-s', size, '-c:v', 'libx264', one);
      const maps = Array.from({ length: STREAMS }, () => ['-map', '0:v:0']).flat();
      await ffmpeg('-i', one, ...maps, '-c', 'copy', file);
    },
  };
}

function make8k(file: string, args: string[]): Promise<unknown> {
  return ffmpeg('-f', 'lavfi', '-i', `testsrc2=s=${SIZE_8K}:r=8:d=4`, ...args, file);
}

interface Peak {
  /** Of `cliptrace index`, resident, in MiB. */
  processMiB: number;
  /** Of the largest of its ffmpeg processes. */
  ffmpegMiB: number;
  seconds: number;
  summary: string;
}

/** `npm run bench -- memory [SUBJECT...]`: peak memory of an indexing and of its ffmpeg, over files that could make it large. */
export async function benchMemory(names: readonly string[]): Promise<void> {
  const chosen = names.length > 0 ? SUBJECTS.filter(({ name }) => names.includes(name)) : SUBJECTS;
  process.stdout.write('subject          process  ffmpeg   time   file\n');
  for (const { name, what, make, extension } of chosen) {
    const workspace = createWorkspace();
    try {
      const file = path.join(workspace.root, `subject.${extension}`);
      await make(file);
      const sizeMiB = (await stat(file)).size / 1024 ** 2;
      const peak = await indexWatched(file, workspace.data);
      process.stdout.write(
        `${name.padEnd(15)} ${mib(peak.processMiB)} ${mib(peak.ffmpegMiB)} ${peak.seconds.toFixed(0).padStart(5)} s ` +
          ` ${what} (${sizeMiB.toFixed(1)} MiB): ${peak.summary}\n`,
      );
    } finally {
      workspace.remove();
    }
  }
}

const mib = (value: number) => `${value.toFixed(0).padStart(4)} MiB`;

async function indexWatched(file: string, data: string): Promise<Peak> {
  const startedAt = performance.now();
  const args = [
    '--import',
    'tsx',
    path.join(PROJECT_ROOT, 'index/cli.ts'),
    'index',
    file,
    '--data',
    data,
    '--json',
  ];
  const child = spawn(process.execPath, args, { cwd: PROJECT_ROOT, stdio: ['ignore', 'pipe', 'ignore'] });
  const peak: Peak = { processMiB: 0, ffmpegMiB: 0, seconds: 0, summary: '' };
  const look = setInterval(() => {
    peak.processMiB = Math.max(peak.processMiB, highWaterMiB(child.pid as number));
    for (const pid of childrenOf(child.pid as number))
      peak.ffmpegMiB = Math.max(peak.ffmpegMiB, highWaterMiB(pid));
  }, 20);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  await new Promise((resolve) => child.on('close', resolve));
  clearInterval(look);
  const report = JSON.parse(text);
  const [told] = report.files ?? [];
  peak.seconds = (performance.now() - startedAt) / 1000;
  peak.summary = report.error?.code ?? told?.code ?? `${told?.outcome}, ${report.segments} segments`;
  return peak;
}

/** The system's own mark of the highest resident size so far. */
function highWaterMiB(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
        .trim()
        .split(' ')
        .filter(Boolean)
        .map(Number),
    );
  } catch {
    return [];
  }
}
