import { closeSync, openSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readPicture, sealStrip } from '../../index/media/picture-strip.js';
import { decodeAll, ffmpeg, preprocessing, temporaryFolder } from '../fixtures/videos.js';

const folder = temporaryFolder();
const GREYS_PER_SECOND = 10;
/** Half an interval of sampling, one of the source, and what the codecs do to a grey. */
const TOLERANCE_SECONDS = 0.2;

interface Part {
  size: string;
  fromSeconds: number;
  toSeconds: number;
  args?: string[];
}

/** A transport stream whose frames change from part to part; each shows its time as a grey. */
async function stream(name: string, parts: readonly Part[]): Promise<string> {
  const bytes: Buffer[] = [];
  for (const { size, fromSeconds, toSeconds, args = ['-pix_fmt', 'yuv420p'] } of parts) {
    const source = `color=black:s=${size}:r=25:d=${toSeconds - fromSeconds}`;
    const grey = `format=gray,geq=lum='(T+${fromSeconds})*${GREYS_PER_SECOND}'`;
    const codec = ['-c:v', 'libx264', '-preset', 'ultrafast', '-qp', '10', ...args];
    const clock = ['-muxdelay', '0', '-output_ts_offset', String(fromSeconds)];
    bytes.push(
      await ffmpeg('-f', 'lavfi', '-i', `${source},${grey}`, ...codec, ...clock, '-f', 'mpegts', '-'),
    );
  }
  const path = join(folder.path, name);
  await writeFile(path, Buffer.concat(bytes));
  return path;
}

/** The times that the pictures for these times show. */
async function shownTimes(videoPath: string, atSeconds: readonly number[]): Promise<number[]> {
  const stripPath = `${videoPath}.strip`;
  const file = openSync(stripPath, 'w');
  const { summary } = await decodeAll(videoPath, { pictures: { file, widthPixels: 32 } });
  closeSync(file);
  expect(await sealStrip(stripPath, 2, summary.durationSeconds)).toBe(true);
  const times: number[] = [];
  for (const at of atSeconds) {
    await writeFile(`${stripPath}.jpg`, (await readPicture(stripPath, at)) ?? Buffer.alloc(0));
    const grey = await ffmpeg('-i', `${stripPath}.jpg`, '-f', 'rawvideo', '-pix_fmt', 'gray', '-');
    times.push((grey[0] ?? Number.NaN) / GREYS_PER_SECOND);
  }
  return times;
}

function expectNear(shown: readonly number[], expected: readonly number[]): void {
  const off = shown.filter((time, i) => !(Math.abs(time - (expected[i] as number)) < TOLERANCE_SECONDS));
  expect(off, `shown ${shown}, expected ${expected}`).toEqual([]);
}

function countOf(stripPath: string): number {
  const strip = readFileSync(stripPath);
  return strip.readUInt32LE(strip.length - 8);
}

const EVERY_SECONDS = [0, 1, 3, 5, 7, 9, 11, 13, 15];

describe('the pictures of a strip', () => {
  test.each<[string, number[]]>([
    ['in the middle of an interval', [5, 7, 11]],
    ['between intervals', [4, 6, 14]],
    ['just before and behind a middle', [2.84, 5.12, 10.96]],
    ['often', [1, 1.4, 1.8, 2.2, 2.6, 3, 3.4, 3.8, 4.2, 9]],
  ])('show their times where the size changes %s', async (name, changes) => {
    const sizes = ['64x48', '128x96', '32x64'];
    const bounds = [0, ...changes, 16];
    const parts = changes.concat(16).map((toSeconds, i) => ({
      size: sizes[i % sizes.length] as string,
      fromSeconds: bounds[i] as number,
      toSeconds,
    }));
    const shown = await shownTimes(await stream(`${name}.ts`, parts), EVERY_SECONDS);
    expectNear(shown, EVERY_SECONDS);
  });

  test('show their times where the pixel format changes', async () => {
    const path = await stream('formats.ts', [
      { size: '64x48', fromSeconds: 0, toSeconds: 6.5 },
      { size: '64x48', fromSeconds: 6.5, toSeconds: 11, args: ['-pix_fmt', 'yuv444p'] },
      { size: '64x48', fromSeconds: 11, toSeconds: 16 },
    ]);
    expectNear(await shownTimes(path, EVERY_SECONDS), EVERY_SECONDS);
  });

  test.each(['mkv', 'mp4'])('are as late as the picture of a %s is', async (extension) => {
    const clock = await stream('clock.ts', [{ size: '64x48', fromSeconds: 0, toSeconds: 8 }]);
    for (const lateSeconds of [0.3, 1, 5, 7.3]) {
      const path = join(folder.path, `late-${lateSeconds}.${extension}`);
      const sound = ['-f', 'lavfi', '-i', 'sine=d=16', '-itsoffset', String(lateSeconds), '-i', clock];
      await ffmpeg(...sound, '-map', '1:v', '-map', '0:a', '-c:v', 'copy', '-c:a', 'aac', '-ac', '1', path);
      const until = EVERY_SECONDS.filter((at) => at < lateSeconds + 7.5);
      const expected = until.map((at) => Math.max(0, at - lateSeconds));
      expectNear(await shownTimes(path, until), expected);
    }
  });

  test('are those of the clips where a stream begins amid what cannot be decoded', async () => {
    const parts = [
      { size: '64x48', fromSeconds: 0, toSeconds: 16, args: ['-g', '125', '-keyint_min', '125'] },
    ];
    const whole = readFileSync(await stream('long-gop.ts', parts));
    const path = join(folder.path, 'amid.ts');
    // From before the third second on, where the next key frame is that of the fifth: the time between counts for nothing.
    await writeFile(path, whole.subarray(Math.floor((whole.length * 0.12) / 188) * 188));
    const { clips } = await decodeAll(path, {
      preprocessing: { ...preprocessing, frames: 1 },
      hopSeconds: 1 / 8,
    });
    const shown = await shownTimes(path, [0, 1, 3, 5, 7, 9]);
    const ofClips = [0, 1, 3, 5, 7, 9].map(
      (at) => (clips[at * 8]?.pixels[0] ?? Number.NaN) / GREYS_PER_SECOND,
    );
    const off = shown.map((time, i) => Math.abs(time - (ofClips[i] as number)));
    expect(Math.max(...off), `shown ${shown}, clips ${ofClips}`).toBeLessThan(1 + TOLERANCE_SECONDS);
    expect(off[0]).toBeLessThan(2 * TOLERANCE_SECONDS);
  });

  test('are one where the frames are fewer than two seconds', async () => {
    const path = await stream('short.ts', [{ size: '64x48', fromSeconds: 0, toSeconds: 0.6 }]);
    expectNear(await shownTimes(path, [0, 1, 5]), [0, 0, 0]);
    expect(countOf(`${path}.strip`)).toBe(1);
  });

  test('are repeated where frames are missing, and those behind keep their times', async () => {
    const clock = await stream('whole.ts', [{ size: '64x48', fromSeconds: 0, toSeconds: 16 }]);
    const path = join(folder.path, 'gap.mkv');
    const cut = ['-vf', "select='lt(t,4.5)+gte(t,10.5)'", '-c:v', 'libx264', '-qp', '10'];
    await ffmpeg('-i', clock, ...cut, '-preset', 'ultrafast', path);
    const last = 4.5;
    expectNear(await shownTimes(path, EVERY_SECONDS), [0, 1, 3, last, last, last, 11, 13, 15]);
  });

  test('stand at every frame where the encoder takes one in two seconds', async () => {
    const path = await stream('rare.ts', [{ size: '64x48', fromSeconds: 0, toSeconds: 16 }]);
    const file = openSync(`${path}.jpgs`, 'w');
    const rare = { ...preprocessing, framesPerSecond: 0.5, frames: 2 };
    const { summary } = await decodeAll(path, {
      preprocessing: rare,
      pictures: { file, widthPixels: 32 },
    });
    closeSync(file);
    await sealStrip(`${path}.jpgs`, 2);
    expect(countOf(`${path}.jpgs`)).toBe(summary.frameCount + 1);
  });
});
