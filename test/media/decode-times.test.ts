import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { probeVideo } from '../../index/media/probe.js';
import {
  clockSeconds,
  decodeAll,
  ffmpegProgram,
  limits,
  makeVideo,
  preprocessing,
  temporaryFolder,
  type VideoOptions,
} from '../fixtures/videos.js';

const folder = temporaryFolder();
/** Clips of one frame: each shows the clock of its own time. */
const everyFrame = { preprocessing: { ...preprocessing, frames: 1 }, hopSeconds: 1 / 8 };
/** Half an interval of sampling, one of the source, and what the codec does to a grey. */
const TOLERANCE_SECONDS = 0.2;

interface Drift {
  frameCount: number;
  /** Largest difference of the time that a frame shows and the time that it is said to have. */
  worstSeconds: number;
}

async function drift(path: string, offsetSeconds = 0): Promise<Drift> {
  const { clips, summary } = await decodeAll(path, everyFrame);
  const late = clips
    .filter((clip) => clip.startSeconds >= offsetSeconds)
    .map((clip) => Math.abs(clockSeconds(clip) - (clip.startSeconds - offsetSeconds)));
  return { frameCount: summary.frameCount, worstSeconds: Math.max(...late) };
}

/** Extension and codec of the containers that people have. */
const CONTAINERS: [string, string[]][] = [
  ['mp4', ['-c:v', 'libx264', '-preset', 'ultrafast']],
  ['mov', ['-c:v', 'mpeg4', '-q:v', '2']],
  ['mkv', ['-c:v', 'libx264', '-bf', '3']],
  ['webm', ['-c:v', 'libvpx', '-b:v', '1M', '-deadline', 'realtime']],
  ['avi', ['-c:v', 'mpeg4', '-q:v', '2']],
  ['flv', ['-c:v', 'flv1', '-q:v', '2']],
  ['wmv', ['-c:v', 'wmv2', '-q:v', '2']],
  ['ogv', ['-c:v', 'libtheora', '-q:v', '8']],
  ['ts', ['-c:v', 'libx264', '-preset', 'ultrafast']],
  ['m2ts', ['-c:v', 'mpeg2video', '-q:v', '2', '-mpegts_m2ts_mode', '1']],
  ['mpg', ['-c:v', 'mpeg1video', '-q:v', '2']],
  ['m2v', ['-c:v', 'mpeg2video', '-q:v', '2']],
  ['3gp', ['-c:v', 'mpeg4', '-q:v', '2']],
  ['mxf', ['-c:v', 'mpeg2video', '-q:v', '2']],
  ['ivf', ['-c:v', 'libvpx', '-b:v', '1M', '-deadline', 'realtime']],
  ['y4m', []],
  ['nut', ['-c:v', 'mpeg4', '-q:v', '2']],
  ['h264', ['-c:v', 'libx264', '-preset', 'ultrafast']],
  ['hevc', ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none']],
];

describe('the times of decoded clips', () => {
  test.each(CONTAINERS)('are right in %s, and the probe knows it', async (extension, args) => {
    const path = await makeVideo(join(folder.path, `clock.${extension}`), { picture: 'clock', args });
    const { frameCount, worstSeconds } = await drift(path);
    expect(frameCount).toBe(32);
    expect(worstSeconds).toBeLessThan(TOLERANCE_SECONDS);
    const probe = await probeVideo({ ffmpeg: await ffmpegProgram(), filePath: path, limits });
    expect(probe).toMatchObject({
      width: 64,
      height: 48,
      hasAudio: false,
      rotationDegrees: 0,
      streamIndex: 0,
    });
    if (probe.durationSeconds !== null) expect(Math.abs(probe.durationSeconds - 4)).toBeLessThan(0.8);
  });

  const clock = (name: string, options: VideoOptions): Promise<string> =>
    makeVideo(join(folder.path, name), { picture: 'clock', ...options });

  test('are right in an animated GIF', async () => {
    const path = await clock('clock.gif', { args: [], framesPerSecond: 10 });
    expect((await drift(path)).worstSeconds).toBeLessThan(TOLERANCE_SECONDS);
  });

  test('are right at 60 and at 5 frames a second', async () => {
    const fast = await drift(await clock('fast.mp4', { framesPerSecond: 60 }));
    const slow = await drift(await clock('slow.mp4', { framesPerSecond: 5 }));
    expect([fast.frameCount, slow.frameCount]).toEqual([32, 32]);
    expect(fast.worstSeconds).toBeLessThan(TOLERANCE_SECONDS);
    expect(slow.worstSeconds).toBeLessThan(TOLERANCE_SECONDS);
  });

  test('are right at a variable frame rate', async () => {
    // 25 frames a second up to 2 s, then one frame in nine, as a phone does in the dark.
    const args = ['-vf', "select='lt(t,2)+not(mod(n,9))'", '-c:v', 'libx264'];
    const path = await clock('variable.mkv', { durationSeconds: 6, args });
    const { frameCount, worstSeconds } = await drift(path);
    expect(frameCount).toBeGreaterThanOrEqual(46);
    expect(worstSeconds).toBeLessThan(9 / 25 + TOLERANCE_SECONDS);
  });

  test('hold a picture as long as the video does', async () => {
    const args = ['-vf', "select='lt(t,1)+gt(t,5)'", '-c:v', 'libx264'];
    const path = await clock('gap.mkv', { durationSeconds: 6, args });
    const { clips } = await decodeAll(path, everyFrame);
    expect(clockSeconds(clips[32])).toBeCloseTo(1, 0);
    expect(clockSeconds(clips.at(-1))).toBeGreaterThan(5.5);
    expect(clips).toHaveLength(48);
  });

  test.each(['mkv', 'ts', 'mp4'])(
    'count from the beginning of a %s whose clock starts later',
    async (type) => {
      const path = await clock(`later.${type}`, { args: ['-c:v', 'libx264', '-output_ts_offset', '5'] });
      const { frameCount, worstSeconds } = await drift(path);
      expect(frameCount).toBe(32);
      expect(worstSeconds).toBeLessThan(TOLERANCE_SECONDS);
    },
  );

  test('count from the beginning of the sound when the picture comes later, as players do', async () => {
    const sound = ['-f', 'lavfi', '-i', 'sine=d=5', '-itsoffset', '1'];
    const args = ['-map', '1:v', '-map', '0:a', '-c:v', 'libx264', '-c:a', 'aac', '-ac', '1'];
    const path = await clock('late-picture.mp4', { inputArgs: sound, args });
    expect((await drift(path, 1)).worstSeconds).toBeLessThan(TOLERANCE_SECONDS);
    expect((await decodeAll(path)).summary.durationSeconds).toBe(5);
    const probe = await probeVideo({ ffmpeg: await ffmpegProgram(), filePath: path, limits });
    expect(probe).toMatchObject({ hasAudio: true });
  });
});
