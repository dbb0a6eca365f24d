import { readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { formatTable } from '../../index/cli/output.js';
import { ffmpeg, SAMPLES } from '../fixtures/videos.js';
import { createWorkspace, indexInto } from '../helpers/workspace.js';

interface Subject {
  name: string;
  /** Writes what is indexed into the folder. */
  make(folder: string): Promise<unknown>;
}

const MINUTES = 10;

const SUBJECTS: readonly Subject[] = [
  looped('426x240, 30/s', 'bottle-detection.mp4', []),
  looped('1920x1080, 30/s', 'bottle-detection.mp4', ['-vf', 'scale=1920:1080']),
  looped('3840x2160, 30/s', 'bottle-detection.mp4', ['-vf', 'scale=3840:2160']),
  {
    name: '300 files of 2 s',
    make: async (folder) => {
      for (let n = 0; n < 300; n += 1) {
        const start = ['-ss', String((n % 28) + n / 300), '-t', '2'];
        const source = path.join(SAMPLES, 'bottle-detection.mp4');
        await ffmpeg(
          ...start,
          '-i',
          source,
          '-c:v',
          'libx264',
          '-preset',
          'ultrafast',
          path.join(folder, `${n}.mp4`),
        );
      }
    },
  },
];

function looped(name: string, sample: string, filter: string[]): Subject {
  return {
    name,
    make: async (folder) => {
      const once = path.join(folder, '..', 'once.mp4');
      const codec =
        filter.length > 0 ? [...filter, '-c:v', 'libx264', '-preset', 'veryfast'] : ['-c', 'copy'];
      await ffmpeg('-i', path.join(SAMPLES, sample), '-an', ...codec, once);
      const length = ['-t', String(MINUTES * 60), '-c', 'copy'];
      await ffmpeg('-stream_loop', '-1', '-i', once, ...length, path.join(folder, 'looped.mp4'));
    },
  };
}

/** `npm run bench -- sizing [SUBJECT...]`: what an hour of video takes, in segments, bytes on disk and seconds of processor time. */
export async function benchSizing(names: readonly string[]): Promise<void> {
  const rows: (string | number)[][] = [];
  for (const subject of SUBJECTS) {
    if (names.length === 0 || names.includes(subject.name)) rows.push(await measureSubject(subject));
  }
  const headers = [
    'an hour of',
    'segments',
    'library MB',
    'index MB',
    'pictures MB',
    'CPU s',
    'of them ffmpeg',
  ];
  process.stdout.write(`${formatTable(headers, rows)}\n`);
}

async function measureSubject({ name, make }: Subject): Promise<(string | number)[]> {
  const workspace = createWorkspace();
  try {
    const folder = path.dirname(await workspace.addSample('classroom.mp4', 'subject/none.mp4'));
    const cliptrace = await workspace.open();
    // Whatever is done once only.
    await indexInto(cliptrace, [folder], { collection: 'warm' });
    await make(folder);
    const before = { own: process.cpuUsage(), children: childSeconds() };
    const { job } = await indexInto(cliptrace, [folder], {});
    const own = process.cpuUsage(before.own);
    const children = childSeconds() - before.children;
    await cliptrace.close();
    const hours = job.progress.videoSeconds / 3600;
    const perHour = (value: number, digits = 1) => (value / hours).toFixed(digits);
    const { dataFolder } = cliptrace;
    return [
      name,
      perHour(job.progress.segments, 0),
      perHour((await stat(dataFolder.databaseFile)).size / 1e6),
      perHour((await bytesBelow(dataFolder.vectorsFolder)) / 1e6),
      perHour((await bytesBelow(dataFolder.thumbnailsFolder)) / 1e6),
      perHour((own.user + own.system) / 1e6 + children, 0),
      perHour(children, 0),
    ];
  } finally {
    workspace.remove();
  }
}

/** Processor time of all children that have ended; the system counts it in hundredths of a second. */
function childSeconds(): number {
  const text = readFileSync('/proc/self/stat', 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

async function bytesBelow(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder)) bytes += (await stat(path.join(folder, name))).size;
  return bytes;
}
