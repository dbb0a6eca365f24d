import { readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { DataFolder } from '../../index/types.js';
import { ffmpeg, SAMPLES } from '../fixtures/videos.js';
import { createWorkspace, indexInto } from '../helpers/workspace.js';

interface Subject {
  name: string;
  /** Writes what is indexed into the folder. */
  make(folder: string): Promise<unknown>;
}

const SUBJECTS: readonly Subject[] = [
  filmed('426x240, 30/s', 120, 'scale=426:240'),
  filmed('1920x1080, 30/s', 30, 'scale=1920:1080'),
  filmed('3840x2160, 30/s', 15, 'scale=3840:2160'),
  {
    name: '100 files of 2 s',
    make: async (folder) => {
      for (let n = 0; n < 100; n += 1) {
        await film(path.join(folder, `${n}.mp4`), 2, `scale=426:240,hue=h=${n * 5}`);
      }
    },
  },
];

function filmed(name: string, seconds: number, filter: string): Subject {
  return { name, make: (folder) => film(path.join(folder, 'filmed.mp4'), seconds, filter) };
}

/** Never the same picture twice: equal vectors would share a node of the index. */
function film(file: string, seconds: number, filter: string): Promise<unknown> {
  const input = ['-stream_loop', '-1', '-i', path.join(SAMPLES, 'bottle-detection.mp4')];
  const picture = ['-an', '-t', String(seconds), '-vf', `hue=h=3*t,rotate=t/50,${filter}`];
  return ffmpeg(...input, ...picture, '-c:v', 'libx264', '-preset', 'ultrafast', file);
}

/** `npm run bench -- sizing [SUBJECT...]`: what an hour of video takes, in segments, bytes on disk and seconds of processor time. */
export async function benchSizing(names: readonly string[]): Promise<void> {
  const tell = (row: readonly (string | number)[]) =>
    process.stdout.write(
      `${row.map((cell, i) => (i === 0 ? String(cell).padEnd(18) : String(cell).padStart(15))).join('')}\n`,
    );
  tell(['an hour of', 'segments', 'library MB', 'index MB', 'pictures MB', 'CPU s', 'of them ffmpeg']);
  for (const subject of SUBJECTS) {
    if (names.length === 0 || names.includes(subject.name)) tell(await measureSubject(subject));
  }
}

async function measureSubject({ name, make }: Subject): Promise<(string | number)[]> {
  const workspace = createWorkspace();
  try {
    const folder = path.dirname(await workspace.addSample('classroom.mp4', 'subject/none.mp4'));
    let cliptrace = await workspace.open();
    // Whatever is done or takes room once only.
    await indexInto(cliptrace, [folder], { collection: 'warm' });
    await cliptrace.close();
    const { dataFolder } = cliptrace;
    const bytesBefore = await bytesOf(dataFolder);
    await make(folder);
    cliptrace = await workspace.open();
    const before = { own: process.cpuUsage(), children: childSeconds() };
    const { job } = await indexInto(cliptrace, [folder]);
    const own = process.cpuUsage(before.own);
    const children = childSeconds() - before.children;
    await cliptrace.close();
    const bytes = (await bytesOf(dataFolder)).map((size, i) => size - (bytesBefore[i] as number));
    const hours = job.progress.videoSeconds / 3600;
    return [
      name,
      (job.progress.segments / hours).toFixed(0),
      ...bytes.map((size) => (size / 1e6 / hours).toFixed(1)),
      (((own.user + own.system) / 1e6 + children) / hours).toFixed(0),
      (children / hours).toFixed(0),
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

/** Of the library, the vector index and the pictures. */
async function bytesOf({ databaseFile, vectorsFolder, thumbnailsFolder }: DataFolder): Promise<number[]> {
  const below = await Promise.all([vectorsFolder, thumbnailsFolder].map(bytesBelow));
  return [(await stat(databaseFile)).size, ...below];
}

async function bytesBelow(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder)) bytes += (await stat(path.join(folder, name))).size;
  return bytes;
}
