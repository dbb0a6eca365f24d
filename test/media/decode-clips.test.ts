import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { DecodedClip } from '../../index/media/types.js';
import {
  decodeAll,
  ffmpeg,
  limits,
  makeVideo,
  preprocessing,
  SAMPLES,
  spansOf,
  temporaryFolder,
} from '../fixtures/videos.js';

const folder = temporaryFolder();
const { frames, framesPerSecond, width, height } = preprocessing;
const FRAME_BYTES = width * height * 3;
const FILTERS = `fps=${framesPerSecond},scale=${width}:${height}:flags=area,format=rgb24`;

/** Every frame of the file by one plain ffmpeg command: what the trainer decodes. */
async function plainDecode(path: string, filters = FILTERS, ...inputArgs: string[]): Promise<Uint8Array[]> {
  const command = [...inputArgs, '-i', path, '-map', '0:v:0', '-an', '-sn', '-dn', '-vf', filters];
  const bytes = await ffmpeg(...command, '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1');
  const count = bytes.length / FRAME_BYTES;
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * FRAME_BYTES, (i + 1) * FRAME_BYTES));
}

function expectFrames(clip: DecodedClip | undefined, expected: (Uint8Array | undefined)[]): void {
  const actual = expected.map((_, i) => clip?.pixels.subarray(i * FRAME_BYTES, (i + 1) * FRAME_BYTES));
  // Buffer.equals: vitest compares large arrays element by element.
  const equal = expected.map(
    (frame, i) => frame !== undefined && Buffer.from(frame).equals(actual[i] ?? Buffer.alloc(0)),
  );
  expect(equal).toEqual(expected.map(() => true));
}

describe('decodeClips', () => {
  let video: string;
  beforeAll(async () => {
    video = await makeVideo(join(folder.path, 'video.mp4'), { durationSeconds: 6.5 });
  });

  test('gives the pixels of a plain decode, clip by clip', async () => {
    const all = await plainDecode(video);
    const { clips, summary } = await decodeAll(video);
    expect(all).toHaveLength(52);
    expect(summary).toEqual({ frameCount: 52, durationSeconds: 6.5, damaged: false });
    expect(spansOf(clips)).toEqual(['0-2', '1-3', '2-4', '3-5', '4-6', '4.5-6.5']);
    for (const [i, first] of [0, 8, 16, 24, 32, 36].entries()) {
      expectFrames(clips[i], all.slice(first, first + frames));
    }
  });

  test('gives the same pixels for a shipped sample, with two threads', async () => {
    const path = join(SAMPLES, 'nasa-13013.mp4');
    const all = await plainDecode(path);
    const { clips } = await decodeAll(path, { limits: { ...limits, threads: 2 } });
    expect(clips.length).toBeGreaterThan(10);
    for (const clip of clips) {
      const first = Math.round(clip.startSeconds * framesPerSecond);
      expectFrames(clip, all.slice(first, first + frames));
    }
  });

  test('repeats the frames of a video shorter than a clip', async () => {
    const path = await makeVideo(join(folder.path, 'short.mp4'), { durationSeconds: 0.6 });
    const all = await plainDecode(path);
    const { clips, summary } = await decodeAll(path);
    expect(all).toHaveLength(5);
    expect(summary.durationSeconds).toBe(0.625);
    expect(spansOf(clips)).toEqual(['0-0.625']);
    expectFrames(
      clips[0],
      Array.from({ length: frames }, (_, i) => all[i % 5]),
    );
  });

  test('a single frame makes a clip', async () => {
    const path = await makeVideo(join(folder.path, 'frame.mp4'), { durationSeconds: 0.04 });
    const { clips, summary } = await decodeAll(path);
    expect(summary).toEqual({ frameCount: 1, durationSeconds: 0.125, damaged: false });
    const all = await plainDecode(path, FILTERS.replace(/^fps=\d+,/, ''));
    expect(all).toHaveLength(1);
    expectFrames(clips[0], Array(frames).fill(all[0]));
  });

  test('crops a centred square when the model wants it', async () => {
    const path = await makeVideo(join(folder.path, 'wide.mp4'), { size: '160x80', durationSeconds: 2 });
    const crop = { mode: 'centre', fraction: 0.8 } as const;
    const all = await plainDecode(path, FILTERS.replace('scale', 'crop=64:64,scale'));
    const { clips } = await decodeAll(path, { preprocessing: { ...preprocessing, crop } });
    expectFrames(clips[0], all);
  });

  describe('with a range', () => {
    test('gives the same pixels as the whole decode, at times of the whole file', async () => {
      const all = await plainDecode(video);
      const { clips, summary } = await decodeAll(video, { range: { startSeconds: 1.5, endSeconds: 4.25 } });
      expect(spansOf(clips)).toEqual(['1.5-3.5', '2.25-4.25']);
      expect(summary.durationSeconds).toBe(2.75);
      expectFrames(clips[0], all.slice(12, 12 + frames));
      expectFrames(clips[1], all.slice(18, 18 + frames));
    });

    test.each(['mp4', 'mkv', 'avi', 'ts', 'mpg', 'm2v'])(
      'is exact far into a %s with sparse key frames',
      async (type) => {
        const path = join(folder.path, `long.${type}`);
        await makeVideo(path, { durationSeconds: 45, size: '32x32', args: ['-g', '300', '-q:v', '3'] });
        const all = await plainDecode(path);
        const { clips } = await decodeAll(path, { range: { startSeconds: 37, endSeconds: 39 } });
        expect(spansOf(clips)).toEqual(['37-39']);
        expectFrames(clips[0], all.slice(37 * 8, 39 * 8));
      },
    );

    test.each([
      ['frames out of order', ['-c:v', 'libx264', '-bf', '3', '-g', '300', '-pix_fmt', 'yuv420p']],
      ['frames with a palette', ['-c:v', 'rawvideo', '-pix_fmt', 'pal8']],
    ])('is exact far into an AVI of %s, whose table leads elsewhere', async (name, codec) => {
      const path = join(folder.path, `${name}.avi`);
      await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=32x32:r=25:d=45', ...codec, path);
      const all = await plainDecode(path);
      for (const startSeconds of [18, 37]) {
        const { clips } = await decodeAll(path, { range: { startSeconds, endSeconds: startSeconds + 2 } });
        expectFrames(clips[0], all.slice(startSeconds * 8, (startSeconds + 2) * 8));
      }
    });

    test('ends with the video', async () => {
      const { clips, summary } = await decodeAll(video, { range: { startSeconds: 5.5, endSeconds: 60 } });
      expect(spansOf(clips)).toEqual(['5.5-6.5']);
      expect(summary.frameCount).toBe(8);
      const open = await decodeAll(video, { range: { startSeconds: 5.5 } });
      expect(spansOf(open.clips)).toEqual(['5.5-6.5']);
    });

    test.each([
      [7, 9],
      [1000, 1001],
      [3, 3],
      [-1, 2],
      [5, 2],
      [Number.NaN, 2],
    ])('refuses %d to %d', async (startSeconds, endSeconds) => {
      await expect(decodeAll(video, { range: { startSeconds, endSeconds } })).rejects.toMatchObject({
        code: 'RANGE_NOT_IN_VIDEO',
        message: expect.stringContaining(`${startSeconds} s`),
      });
    });
  });

  test('refuses a video that lasts longer than allowed, whatever its header says', async () => {
    const short = { ...limits, maxDurationSeconds: 6 };
    await expect(decodeAll(video, { limits: short })).rejects.toMatchObject({ code: 'VIDEO_TOO_LONG' });
    const enough = { ...limits, maxDurationSeconds: 6.5 };
    expect((await decodeAll(video, { limits: enough })).summary.frameCount).toBe(52);
  });
});
