import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sealStrip } from '../../index/media/picture-strip.js';
import { soundFolder, verify } from './sound-folder.js';

const PICTURE_BYTES = 40;
const PICTURE_COUNT = 5;
const TABLE_AT = PICTURE_BYTES * PICTURE_COUNT;

it.each<[string, (whole: Buffer) => Buffer]>([
  ['empty', () => Buffer.alloc(0)],
  ['cut', (whole) => whole.subarray(0, 100)],
  ['cut by a byte', (whole) => whole.subarray(0, -1)],
  ['of another mark', (whole) => flipped(whole, whole.length - 1)],
  ['of another number', (whole) => flipped(whole, whole.length - 5)],
  ['of another interval', (whole) => Buffer.from(whole).fill(0xff, whole.length - 16, whole.length - 8)],
  ['of another table', (whole) => flipped(whole, TABLE_AT + 8)],
  ['without the begin of a picture', (whole) => flipped(whole, PICTURE_BYTES)],
])('pictures that cannot be found in their file are told and deleted: %s', async (_, spoil) => {
  const folder = await soundFolder();
  const { thumbnailsFolder } = folder.dataFolder;
  const single = readdirSync(thumbnailsFolder)[0] as string;
  const path = join(thumbnailsFolder, single.replace(/-\d+\.jpg$/, '.strip'));
  const picture = Buffer.alloc(PICTURE_BYTES, 1);
  picture.set([0xff, 0xd8, 0xff]);
  writeFileSync(path, Buffer.concat(Array.from({ length: PICTURE_COUNT }, () => picture)));
  expect(await sealStrip(path, 2)).toBe(true);
  expect(await verify(folder)).toMatchObject({ status: 'sound', problems: [] });
  writeFileSync(path, spoil(readFileSync(path)));
  const video = folder.fileOf(1);
  renameSync(video, `${video}.away`);
  const kept = (await verify(folder)).problems.find(({ code }) => code === 'PICTURES_DAMAGED');
  expect(kept).toMatchObject({ subject: path, repair: null });
  renameSync(`${video}.away`, video);
  expect(await verify(folder, { repair: true })).toMatchObject({
    status: 'repaired',
    remaining: [],
  });
  expect(existsSync(path)).toBe(false);
  expect(readdirSync(thumbnailsFolder)).toEqual([single]);
});

function flipped(whole: Buffer, at: number): Buffer {
  const bytes = Buffer.from(whole);
  bytes[at] = (bytes[at] as number) ^ 4;
  return bytes;
}
