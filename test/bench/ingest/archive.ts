import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { ffmpeg } from '../../fixtures/videos.js';
import { SAMPLES_FOLDER } from '../../helpers/workspace.js';

/** Copies of the samples that differ in a remark only, so that each is a content of its own. */
export async function writeCopies(folder: string, copies: number): Promise<void> {
  for (const sample of await sampleNames()) {
    for (let copy = 0; copy < copies; copy += 1) {
      const target = path.join(folder, String(copy), sample);
      await mkdir(path.dirname(target), { recursive: true });
      await ffmpeg(
        '-i',
        path.join(SAMPLES_FOLDER, sample),
        '-c',
        'copy',
        '-metadata',
        `comment=${copy}`,
        target,
      );
    }
  }
}

/** Parts of two seconds, cut out of the samples at half seconds, over and over until there are enough. */
export async function writeShortClips(folder: string, count: number): Promise<void> {
  const samples = await sampleNames();
  await mkdir(folder, { recursive: true });
  const parts: string[] = [];
  for (const [i, sample] of samples.entries()) {
    const pattern = path.join(folder, `part-${i}-%03d.mp4`);
    const cut = [
      '-an',
      '-c:v',
      'mpeg4',
      '-q:v',
      '5',
      '-g',
      '1000',
      '-force_key_frames',
      'expr:gte(t,n_forced*2)',
    ];
    await ffmpeg(
      '-i',
      path.join(SAMPLES_FOLDER, sample),
      ...cut,
      '-f',
      'segment',
      '-segment_time',
      '2',
      pattern,
    );
  }
  for (const name of await readdir(folder)) parts.push(name);
  for (let i = parts.length; i < count; i += 1) {
    const source = path.join(folder, parts[i % parts.length] as string);
    await ffmpeg('-i', source, '-c', 'copy', '-metadata', `comment=${i}`, path.join(folder, `copy-${i}.mp4`));
  }
}

async function sampleNames(): Promise<string[]> {
  return (await readdir(SAMPLES_FOLDER)).filter((name) => name.endsWith('.mp4')).sort();
}
