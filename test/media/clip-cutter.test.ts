import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type CutRequest, cutClip } from '../../index/media/clip-cutter.js';
import { probeVideo } from '../../index/media/probe.js';
import type { VideoProbe } from '../../index/media/types.js';
import {
  clockSeconds,
  decodeAll,
  ffmpegProgram,
  limits,
  makeVideo,
  preprocessing,
  temporaryFolder,
} from '../fixtures/videos.js';

const folder = temporaryFolder();
const oneFrame = { preprocessing: { ...preprocessing, frames: 1 }, hopSeconds: 1 / 8 };
let source: string;

beforeAll(async () => {
  source = await makeVideo(join(folder.path, 'source.mp4'), {
    picture: 'clock',
    durationSeconds: 6,
    size: '128x96',
  });
});

async function cut(name: string, request: Partial<CutRequest>): Promise<{ path: string; probe: VideoProbe }> {
  const outPath = join(folder.path, name);
  const ffmpeg = await ffmpegProgram();
  await cutClip({
    ffmpeg,
    filePath: source,
    startSeconds: 2,
    durationSeconds: 3,
    cropFraction: 1,
    codec: 'mpeg4',
    outPath,
    limits,
    ...request,
  });
  return { path: outPath, probe: await probeVideo({ ffmpeg, filePath: outPath, limits }) };
}

describe('cutClip', () => {
  test.each([
    ['mpeg4', 'part.avi'],
    ['mpeg4', 'part.mp4'],
    ['libx264', 'part.mkv'],
  ] as const)('cuts the right part with %s into %s', async (codec, name) => {
    const { path, probe } = await cut(name, { codec });
    expect(probe).toMatchObject({
      codec: codec === 'mpeg4' ? 'mpeg4' : 'h264',
      width: 128,
      height: 96,
      hasAudio: false,
    });
    const { clips, summary } = await decodeAll(path, oneFrame);
    expect(summary).toEqual({ frameCount: 24, durationSeconds: 3, damaged: false });
    expect(Math.abs(clockSeconds(clips[0]) - 2)).toBeLessThan(0.2);
    expect(Math.abs(clockSeconds(clips.at(-1)) - 5)).toBeLessThan(0.2);
  });

  test('crops, scales and samples anew', async () => {
    const { probe } = await cut('edited.mp4', { cropFraction: 0.8, scaleHeight: 144, framesPerSecond: 15 });
    // 80 % of 128x96 is 102x76; 144 lines of that shape are 193.3 wide.
    expect(probe).toMatchObject({ width: 194, height: 144, framesPerSecond: 15 });
  });

  test('brightens', async () => {
    const plain = await decodeAll((await cut('plain.mp4', {})).path, oneFrame);
    const bright = await decodeAll((await cut('bright.mp4', { brightness: 0.15 })).path, oneFrame);
    const difference = (bright.clips[0]?.pixels[0] ?? 0) - (plain.clips[0]?.pixels[0] ?? 0);
    // 0.15 of 255 in luminance, stretched from 219 to 255 steps.
    expect(Math.abs(difference - 0.15 * 255 * (255 / 219))).toBeLessThan(6);
  });

  test('refuses a part that is not in the video', async () => {
    await expect(cut('nothing.mp4', { startSeconds: 30 })).rejects.toMatchObject({
      code: 'RANGE_NOT_IN_VIDEO',
    });
  });

  test('refuses what is no video', async () => {
    await expect(cut('never.mp4', { filePath: folder.path })).rejects.toMatchObject({
      code: 'FILE_NOT_READABLE',
    });
  });
});
