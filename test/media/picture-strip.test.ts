import { readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { readPicture, sealStrip } from '../../index/media/picture-strip.js';
import { ffmpeg, temporaryFolder } from '../fixtures/videos.js';

const folder = temporaryFolder();
let jpegs: Buffer;

beforeAll(async () => {
  jpegs = await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=160x90:r=1:d=5', '-c:v', 'mjpeg', '-f', 'mjpeg', '-');
});

async function strip(name: string, bytes: Buffer): Promise<string> {
  const path = join(folder.path, name);
  await writeFile(path, bytes);
  return path;
}

test('gives the picture nearest to a time, whole', async () => {
  const path = await strip('whole', jpegs);
  expect(await sealStrip(path, 2)).toBe(true);
  const read = (times: number[]) =>
    Promise.all(times.map(async (at) => (await readPicture(path, at)) as Buffer));
  const all = await read([0, 1, 3, 5, 7]);
  expect(Buffer.concat(all).equals(jpegs)).toBe(true);
  const numbers = (await read([0, 0.4, 0.6, 1.9, 2.1, 5, 7, 500])).map((jpeg) =>
    all.findIndex((one) => one.equals(jpeg)),
  );
  expect(numbers).toEqual([0, 0, 1, 1, 2, 3, 4, 4]);
});

test('finds pictures across the pieces in which a large file is read', async () => {
  const many = Buffer.concat(Array.from({ length: 300 }, () => jpegs));
  const path = await strip('large', many);
  expect(many.length).toBeGreaterThan(8 * 1024 ** 2);
  await sealStrip(path, 1);
  const last = await readPicture(path, 1e9);
  const lastOfFive = jpegs.subarray(jpegs.lastIndexOf(Buffer.from([0xff, 0xd8, 0xff])));
  expect(last?.equals(lastOfFive)).toBe(true);
});

test('is none without pictures, and a cut one is passed over', async () => {
  const empty = await strip('empty', Buffer.alloc(0));
  expect(await sealStrip(empty, 2)).toBe(false);
  expect(await readPicture(empty, 0)).toBeNull();
  expect(await readPicture(join(folder.path, 'nowhere'), 0)).toBeNull();
  const path = await strip('cut', jpegs);
  await sealStrip(path, 2);
  const { size } = await stat(path);
  for (const length of [0, 3, 15, 100, size - 1]) {
    await truncate(path, 0);
    await writeFile(path, (await readFile(join(folder.path, 'whole'))).subarray(0, length));
    expect(await readPicture(path, 0)).toBeNull();
  }
});
