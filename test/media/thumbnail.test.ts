import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { writeThumbnail } from '../../index/media/thumbnail.js';
import { ffmpeg, ffmpegProgram, limits, makeVideo, temporaryFolder } from '../fixtures/videos.js';

const folder = temporaryFolder();
let count = 0;

interface Picture {
  width: number;
  height: number;
  /** Mean of the picture, 0-255. */
  grey: number;
}

async function thumbnail(filePath: string, atSeconds: number, widthPixels = 64): Promise<Picture> {
  count += 1;
  const outPath = join(folder.path, 'thumbnails', `${count}.jpg`);
  await writeThumbnail({ ffmpeg: await ffmpegProgram(), filePath, atSeconds, widthPixels, outPath, limits });
  const bytes = await readFile(outPath);
  const [grey] = await ffmpeg(
    '-i',
    outPath,
    '-vf',
    'scale=1:1:flags=area',
    '-f',
    'rawvideo',
    '-pix_fmt',
    'gray',
    '-',
  );
  return { ...sizeOf(bytes), grey: grey as number };
}

/** From the frame header (SOF0) of a JPEG. */
function sizeOf(jpeg: Buffer): { width: number; height: number } {
  const header = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  return { height: jpeg.readUInt16BE(header + 5), width: jpeg.readUInt16BE(header + 7) };
}

describe('writeThumbnail', () => {
  let clock: string;
  beforeAll(async () => {
    clock = await makeVideo(join(folder.path, 'clock.mp4'), { picture: 'clock', durationSeconds: 6 });
  });

  test.each([0, 1.5, 4])('shows the frame of %d s', async (atSeconds) => {
    // The clock grows by 40 greys a second.
    expect(Math.abs((await thumbnail(clock, atSeconds)).grey - atSeconds * 40)).toBeLessThan(6);
  });

  test.each([5.99, 6, 7, 60, 9999])(
    'shows the last frame for %d s, at the end or after it',
    async (atSeconds) => {
      expect(Math.abs((await thumbnail(clock, atSeconds)).grey - 239)).toBeLessThan(6);
    },
  );

  test.each(['ts', 'mpg', 'h264', 'gif', 'avi', 'mkv'])('finds the time in a %s', async (type) => {
    const path = await makeVideo(join(folder.path, `clock.${type}`), {
      picture: 'clock',
      durationSeconds: 6,
      args: type === 'h264' ? ['-c:v', 'libx264'] : [],
    });
    expect(Math.abs((await thumbnail(path, 4)).grey - 160)).toBeLessThan(12);
    expect((await thumbnail(path, 5.99)).grey).toBeGreaterThan(225);
  });

  test.each([
    ['frames out of order', ['-c:v', 'libx264', '-bf', '3', '-g', '300', '-pix_fmt', 'yuv420p'], 12],
    // Of a palette there are few greys.
    ['frames with a palette', ['-c:v', 'rawvideo', '-pix_fmt', 'pal8'], 40],
  ])('finds the time in an AVI of %s', async (name, codec, tolerance) => {
    const path = join(folder.path, `${name}.avi`);
    await ffmpeg('-i', clock, ...codec, path);
    for (const atSeconds of [0, 2, 4]) {
      expect(Math.abs((await thumbnail(path, atSeconds)).grey - atSeconds * 40)).toBeLessThan(tolerance);
    }
  });

  test('keeps the shape in which the video is shown', async () => {
    const wide = await makeVideo(join(folder.path, 'wide.mp4'), { size: '160x90', durationSeconds: 0.5 });
    expect(await thumbnail(wide, 0, 320)).toMatchObject({ width: 320, height: 180 });
    const args = ['-vf', 'setsar=2', '-c:v', 'mpeg4'];
    const anamorphic = await makeVideo(join(folder.path, 'sar.mp4'), {
      size: '80x80',
      durationSeconds: 0.5,
      args,
    });
    expect(await thumbnail(anamorphic, 0, 100)).toMatchObject({ width: 100, height: 50 });
    const tall = await makeVideo(join(folder.path, 'tall.mp4'), { size: '2x400', durationSeconds: 0.5 });
    expect(await thumbnail(tall, 0, 64)).toMatchObject({ width: 64, height: 256 });
  });

  test('shows the only frame of a video of one frame', async () => {
    const path = await makeVideo(join(folder.path, 'one.mp4'), { durationSeconds: 0.04 });
    expect(await thumbnail(path, 0)).toMatchObject({ width: 64, height: 48 });
    expect(await thumbnail(path, 3)).toMatchObject({ width: 64, height: 48 });
  });

  test('leaves nothing behind when it fails, and an earlier picture as it was', async () => {
    const text = join(folder.path, 'text.mp4');
    await writeFile(text, 'no video');
    const outPath = join(folder.path, 'out', 'kept.jpg');
    const request = { ffmpeg: await ffmpegProgram(), atSeconds: 0, widthPixels: 64, outPath, limits };
    await writeThumbnail({ ...request, filePath: clock });
    const before = await readFile(outPath);
    await expect(writeThumbnail({ ...request, filePath: text })).rejects.toMatchObject({
      code: 'NOT_A_VIDEO',
    });
    expect(readdirSync(join(outPath, '..'))).toEqual(['kept.jpg']);
    expect((await readFile(outPath)).equals(before)).toBe(true);
  });

  test('tells when the picture cannot be written', async () => {
    const blocked = join(folder.path, 'a-file');
    await writeFile(blocked, '');
    const outPath = join(blocked, 'below.jpg');
    const request = {
      ffmpeg: await ffmpegProgram(),
      filePath: clock,
      atSeconds: 0,
      widthPixels: 64,
      outPath,
      limits,
    };
    await expect(writeThumbnail(request)).rejects.toMatchObject({ code: 'DATA_FOLDER_NOT_WRITABLE' });
  });
});
