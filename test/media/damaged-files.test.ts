import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { probeVideo } from '../../index/media/probe.js';
import {
  decodeAll,
  ffmpeg,
  ffmpegProgram,
  limits,
  makeVideo,
  SAMPLES,
  temporaryFolder,
} from '../fixtures/videos.js';

const folder = temporaryFolder();

/** A real film as another container, and the first part of it. */
async function cutFile(name: string, share: number, args: string[]): Promise<string> {
  const whole = join(folder.path, `whole-${name}`);
  await ffmpeg('-i', join(SAMPLES, 'nasa-13013.mp4'), '-map', '0:v:0', ...args, whole);
  const bytes = await readFile(whole);
  const path = join(folder.path, name);
  await writeFile(path, bytes.subarray(0, Math.floor(bytes.length * share)));
  return path;
}

describe('a file that was cut off', () => {
  test.each([
    ['mp4', ['-c', 'copy', '-movflags', 'faststart']],
    ['mkv', ['-c', 'copy']],
    ['ts', ['-c', 'copy']],
    ['avi', ['-c:v', 'mpeg4']],
  ])('gives what there is as %s, and says that it is damaged', async (type, args) => {
    const { summary, clips } = await decodeAll(await cutFile(`cut.${type}`, 0.6, args));
    expect(summary.damaged).toBe(true);
    expect(summary.durationSeconds).toBeGreaterThan(6);
    expect(summary.durationSeconds).toBeLessThan(10);
    expect(clips.at(-1)?.endSeconds).toBe(summary.durationSeconds);
  });

  test('says what is missing when the table of an MP4 stood at its end', async () => {
    const path = await cutFile('cut-table.mp4', 0.5, ['-c', 'copy']);
    const expected = {
      code: 'DECODE_FAILED',
      message: expect.stringMatching(/"cut-table\.mp4" was cut off.*moov/),
    };
    await expect(decodeAll(path)).rejects.toMatchObject(expected);
    await expect(probeVideo({ ffmpeg: await ffmpegProgram(), filePath: path, limits })).rejects.toMatchObject(
      expected,
    );
  });

  test('has no frames when only its header is left', async () => {
    const whole = await makeVideo(join(folder.path, 'header.mp4'), { args: ['-movflags', 'faststart'] });
    const bytes = await readFile(whole);
    const path = join(folder.path, 'only-header.mp4');
    await writeFile(path, bytes.subarray(0, bytes.indexOf('mdat') + 4));
    await expect(decodeAll(path)).rejects.toMatchObject({
      code: expect.stringMatching(/NO_FRAMES|DECODE_FAILED/),
    });
  });
});

test('bytes that were changed midway are damage, and the rest is decoded', async () => {
  const path = await cutFile('changed.mp4', 1, ['-c', 'copy', '-movflags', 'faststart']);
  const bytes = await readFile(path);
  const middle = Math.floor(bytes.length / 2);
  for (let i = 0; i < 200; i += 1) bytes[middle + i * 97] = (i * 31) & 255;
  await writeFile(path, bytes);
  const { summary } = await decodeAll(path);
  expect(summary).toEqual({ frameCount: 104, durationSeconds: 13, damaged: true });
});

test('sound that cannot be decoded is no damage to the picture', async () => {
  const path = join(folder.path, 'broken-sound.mp4');
  const video = await makeVideo(join(folder.path, 'picture.mp4'), { durationSeconds: 2 });
  const sound = ['-f', 'lavfi', '-i', 'sine=d=2', '-c:v', 'copy', '-c:a', 'aac', '-strict', '-2'];
  await ffmpeg('-i', video, ...sound, '-movflags', 'faststart', path);
  const bytes = await readFile(path);
  // The configuration of the AAC decoder (tag 5 of esds) becomes an audio object type that does not exist.
  const esds = bytes.indexOf('esds');
  const configuration = bytes.indexOf(Buffer.from([0x05, 0x80, 0x80, 0x80]), esds);
  bytes.fill(0xff, configuration + 5, configuration + 7);
  await writeFile(path, bytes);
  expect((await decodeAll(path)).summary).toEqual({ frameCount: 16, durationSeconds: 2, damaged: false });
});
