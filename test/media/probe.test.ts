import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { probeVideo } from '../../index/media/probe.js';
import { readProbeText } from '../../index/media/probe-text.js';
import type { VideoProbe } from '../../index/media/types.js';
import {
  decodeAll,
  ffmpeg,
  ffmpegProgram,
  limits,
  makeVideo,
  preprocessing,
  temporaryFolder,
} from '../fixtures/videos.js';

const folder = temporaryFolder();

async function probe(filePath: string, signal?: AbortSignal): Promise<VideoProbe> {
  return probeVideo({ ffmpeg: await ffmpegProgram(), filePath, limits, signal });
}

describe('probeVideo', () => {
  test('reads everything from an MP4 with sound', async () => {
    const path = join(folder.path, 'sound.mp4');
    const args = [
      '-f',
      'lavfi',
      '-i',
      'testsrc2=s=320x180:r=30000/1001:d=3',
      '-f',
      'lavfi',
      '-i',
      'sine=d=3',
    ];
    await ffmpeg(
      ...args,
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-pix_fmt',
      'yuv420p',
      '-c:a',
      'aac',
      path,
    );
    expect(await probe(path)).toEqual({
      container: 'mov,mp4,m4a,3gp,3g2,mj2',
      durationSeconds: expect.closeTo(3, 1),
      codec: 'h264',
      width: 320,
      height: 180,
      framesPerSecond: 29.97,
      rotationDegrees: 0,
      hasAudio: true,
      streamIndex: 0,
    });
  });

  test('tells unknown as null', async () => {
    const path = await makeVideo(join(folder.path, 'bare.h264'), { args: ['-c:v', 'libx264'] });
    expect((await probe(path)).durationSeconds).toBeNull();
  });

  test('finds the picture behind the sound', async () => {
    const path = join(folder.path, 'second.mkv');
    const inputs = ['-f', 'lavfi', '-i', 'sine=d=1', '-f', 'lavfi', '-i', 'testsrc2=s=64x48:d=1'];
    await ffmpeg(...inputs, '-map', '0', '-map', '1', '-c:v', 'mpeg4', path);
    expect(await probe(path)).toMatchObject({ streamIndex: 1, codec: 'mpeg4', hasAudio: true });
  });

  test('turns a phone video as it is shown, and so does the decode', async () => {
    // Brighter to the right, redder to the bottom: each turn looks different.
    const args = ['-vf', 'geq=lum=16+X*2:cb=128:cr=128+Y/2', '-c:v', 'mpeg4', '-q:v', '2'];
    const flat = await makeVideo(join(folder.path, 'flat.mp4'), { size: '96x64', durationSeconds: 1, args });
    const path = join(folder.path, 'turned.mp4');
    // ffmpeg 4 takes the tag (anticlockwise), newer ones the option: one of the two turns the copy.
    await ffmpeg('-i', flat, '-c', 'copy', '-metadata:s:v:0', 'rotate=270', path);
    let found = await probe(path);
    if (found.rotationDegrees === 0) {
      await ffmpeg('-display_rotation:v:0', '-90', '-i', flat, '-c', 'copy', path);
      found = await probe(path);
    }
    expect(found).toMatchObject({ width: 64, height: 96, rotationDegrees: 90 });
    const square = { ...preprocessing, width: 8, height: 8, frames: 1 };
    const [upright] = (await decodeAll(flat, { preprocessing: square })).clips;
    const [turned] = (await decodeAll(path, { preprocessing: square })).clips;
    // Clockwise by a quarter: what was at (x, y) is at (7 - y, x).
    let difference = 0;
    for (let y = 0; y < 8; y += 1) {
      for (let x = 0; x < 8; x += 1) {
        const from = (y * 8 + x) * 3;
        const to = (x * 8 + (7 - y)) * 3;
        difference += Math.abs((upright?.pixels[from] ?? 0) - (turned?.pixels[to] ?? 255));
      }
    }
    expect(difference / 64).toBeLessThan(4);
  });

  test('can be cancelled', async () => {
    const path = await makeVideo(join(folder.path, 'cancel.mp4'));
    await expect(probe(path, AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('refuses a codec that ffmpeg does not know, by its name in the error', async () => {
    const path = await makeVideo(join(folder.path, 'unknown.avi'), { durationSeconds: 1 });
    // The name of the codec, in the stream header and in the format of the pictures.
    execFileSync('sed', ['-i', 's/FMP4/QQZZ/g', path]);
    await expect(probe(path)).rejects.toMatchObject({ code: 'CODEC_NOT_SUPPORTED' });
    await expect(decodeAll(path)).rejects.toMatchObject({ code: 'CODEC_NOT_SUPPORTED' });
  });
});

describe('readProbeText', () => {
  const input = (stream: string, more = ''): string =>
    `Input #0, matroska,webm, from "a.mkv":\n  Duration: 01:02:03.45, start: 0.000000, bitrate: 1 kb/s\n    ${stream}\n${more}` +
    "Stream mapping:\n  Stream #0:0 -> #0:0 (copy)\nOutput #0, null, to 'pipe:':\n    Stream #0:0: Video: other, 1x1\n";

  test.each([
    [
      'Stream #0:0: Video: av1 (Main), yuv420p(tv, bt709/unknown/unknown, progressive), 640x360, SAR 1:1 DAR 16:9, 25 fps, 25 tbr',
      'av1',
      640,
      25,
    ],
    [
      'Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p(progressive), 100x60 [SAR 1:1 DAR 5:3], 142 kb/s, 24 fps',
      'h264',
      100,
      24,
    ],
    [
      'Stream #0:0[0x100]: Video: mpeg2video (Main) ([2][0][0][0] / 0x0002), yuv420p(tv), 720x576 [SAR 64:45 DAR 16:9], 23.98 fps, 1k tbr',
      'mpeg2video',
      720,
      23.98,
    ],
    [
      'Stream #0:0(eng): Video: dvvideo, yuv420p, 720x576, 28800 kb/s, 60k fps, 25 tbr, 60k tbn',
      'dvvideo',
      720,
      25,
    ],
    ['Stream #0:0: Video: gif, bgra, 30x20, 1k tbr, 1k tbn', 'gif', 30, 1000],
    ['Stream #0:0: Video: vp9, yuv420p, 10x10', 'vp9', 10, null],
    ['Stream #0:0: Video: h264 (avc1 / 0x31637661), none, 90k tbr', 'h264', null, null],
  ])('reads %s', (stream, codec, width, framesPerSecond) => {
    const text = readProbeText(input(stream));
    expect(text).toMatchObject({ container: 'matroska,webm', durationSeconds: 3723.45 });
    expect(text?.video).toMatchObject({ index: 0, codec, width, framesPerSecond });
  });

  test.each([
    ['      displaymatrix: rotation of -90.00 degrees\n', 90],
    ['      Display Matrix: rotation of 90.00 degrees\n', 270],
    ['      Display Matrix: rotation of -180.00 degrees\n', 180],
    ['      displaymatrix: rotation of nan degrees\n', 0],
    ['      displaymatrix: rotation of -0.00 degrees\n', 0],
    ['      rotate          : 270\n', 270],
    ['', 0],
  ])('reads the rotation of %j', (line, rotationDegrees) => {
    expect(readProbeText(input('Stream #0:0: Video: vp9, yuv420p, 10x10', line))?.video).toMatchObject({
      rotationDegrees,
    });
  });

  test('is null for a file that was not opened', () => {
    expect(readProbeText('"a.mkv": Invalid data found when processing input\n')).toBeNull();
  });
});
