import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { DecodeGroup, GroupBroken } from '../../index/media/decode-group.js';
import { probeVideo } from '../../index/media/probe.js';
import type { DecodedClip, DecodeSummary, VideoProbe } from '../../index/media/types.js';
import {
  CLOCK_GREYS_PER_SECOND,
  decodeAll,
  ffmpeg,
  ffmpegProgram,
  limits,
  makeVideo,
  preprocessing,
  SAMPLES,
  temporaryFolder,
} from '../fixtures/videos.js';

const folder = temporaryFolder();
const files: string[] = [];

beforeAll(async () => {
  const named = (name: string) => join(folder.path, name);
  files.push(
    await makeVideo(named('a.mp4'), { durationSeconds: 2 }),
    // A name that begins like another one's, and two lines of it.
    await makeVideo(named('a.mp4\nInput #1, avi, from x.mkv'), {
      durationSeconds: 3.4,
      args: ['-f', 'matroska', '-c:v', 'mpeg4'],
    }),
    await makeVideo(named('b.avi'), { durationSeconds: 1, size: '80x48', framesPerSecond: 10 }),
  );
  const sample = named('sample.mp4');
  await copyFile(join(SAMPLES, 'classroom.mp4'), sample);
  files.push(sample);
});

interface Member {
  clips: DecodedClip[];
  summary: DecodeSummary;
  probe: VideoProbe | undefined;
}

/** What each member gives, or the error that it ends with; pictures go to `pictures[i]` where there is a name. */
async function decodeTogether(paths: readonly string[], pictures: readonly string[] = []) {
  const descriptors = pictures.map((path) => openSync(path, 'w'));
  const group = await DecodeGroup.open({
    ffmpeg: await ffmpegProgram(),
    preprocessing,
    hopSeconds: 1,
    limits,
    members: paths.map((filePath, i) => ({
      filePath,
      pictures: pictures.length > 0 ? { file: descriptors[i] as number, widthPixels: 32 } : undefined,
    })),
  });
  const read = async (member: number): Promise<Member> => {
    let probe: VideoProbe | undefined;
    const clips: DecodedClip[] = [];
    const generator = group.clips(member, (told) => {
      probe = told;
    });
    for (;;) {
      const next = await generator.next();
      if (next.done) return { clips, summary: next.value, probe };
      clips.push(next.value);
    }
  };
  try {
    return await Promise.allSettled(paths.map((_, i) => read(i)));
  } finally {
    await group.stop();
    for (const descriptor of descriptors) closeSync(descriptor);
  }
}

describe('a group of files', () => {
  test('gives each file the clips, times, pictures and header that it has by itself', async () => {
    const pictures = files.map((_, i) => join(folder.path, `${i}.jpgs`));
    const together = await decodeTogether(files, pictures);
    const program = await ffmpegProgram();
    for (const [i, filePath] of files.entries()) {
      const picture = join(folder.path, 'alone.jpgs');
      const file = openSync(picture, 'w');
      const alone = await decodeAll(filePath, { pictures: { file, widthPixels: 32 } });
      closeSync(file);
      const probe = await probeVideo({ ffmpeg: program, filePath, limits });
      expect(together[i]).toEqual({ status: 'fulfilled', value: { ...alone, probe } });
      const jpegs = readFileSync(pictures[i] as string);
      expect(jpegs.equals(readFileSync(picture))).toBe(true);
      const starts = jpegs.toString('latin1').split('\xff\xd8\xff').length - 1;
      // At 0, 1, 3, 5 ... seconds.
      expect(starts).toBe(1 + Math.ceil(Math.max(0, alone.summary.frameCount - 8) / 16));
    }
  });

  test('leaves pictures of 0, 1, 3 and 5 seconds', async () => {
    const video = await makeVideo(join(folder.path, 'clock.mp4'), { durationSeconds: 6, picture: 'clock' });
    const jpegs = join(folder.path, 'clock.jpgs');
    const file = openSync(jpegs, 'w');
    await decodeAll(video, { pictures: { file, widthPixels: 32 } });
    closeSync(file);
    const greys = await ffmpeg(
      '-f',
      'mjpeg',
      '-i',
      jpegs,
      '-vf',
      'scale=1:1:flags=area,format=gray',
      '-f',
      'rawvideo',
      '-',
    );
    expect([...greys].map((grey) => Math.round(grey / CLOCK_GREYS_PER_SECOND))).toEqual([0, 1, 3, 5]);
  });

  test('in which one is damaged gives up all, because ffmpeg does not tell which', async () => {
    const whole = readFileSync(files[3] as string);
    const damaged = join(folder.path, 'damaged.mp4');
    const bytes = Buffer.from(whole);
    bytes.fill(0x55, Math.floor(bytes.length * 0.4), Math.floor(bytes.length * 0.45));
    await writeFile(damaged, bytes);
    expect((await decodeAll(damaged)).summary.damaged).toBe(true);
    const results = await decodeTogether([files[0] as string, damaged]);
    for (const result of results) {
      expect(result.status === 'rejected' && result.reason).toBeInstanceOf(GroupBroken);
    }
  });

  test('in which one is no video is not begun', async () => {
    const text = join(folder.path, 'text.mp4');
    await writeFile(text, 'just words');
    await expect(decodeTogether([files[0] as string, text])).rejects.toBeInstanceOf(GroupBroken);
  });

  test.runIf(existsSync('/dev/full'))(
    'says that the disk is full when the pictures find no room',
    async () => {
      const results = await decodeTogether(
        [files[0] as string, files[2] as string],
        ['/dev/full', '/dev/full'],
      );
      for (const result of results) {
        expect(result.status === 'rejected' && result.reason).toMatchObject({ code: 'DISK_FULL' });
      }
      const file = openSync('/dev/full', 'w');
      const alone = decodeAll(files[0] as string, { pictures: { file, widthPixels: 32 } });
      await expect(alone).rejects.toMatchObject({ code: 'DISK_FULL' });
      closeSync(file);
    },
  );

  test('leaves a file too short for the frame rate to a decode of its own', async () => {
    const short = join(folder.path, 'short.avi');
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=50', '-frames:v', '1', '-c:v', 'mpeg4', short);
    const [first, second] = await decodeTogether([files[0] as string, short]);
    expect(first?.status).toBe('fulfilled');
    const alone = await decodeAll(short);
    if (second?.status === 'fulfilled') expect(second.value.clips).toEqual(alone.clips);
    else expect(second?.reason).toBeInstanceOf(GroupBroken);
    expect(alone.clips).toHaveLength(1);
  });

  test('with a file whose tags pass for what ffmpeg says of its neighbour is not believed', async () => {
    const crafted = join(folder.path, 'crafted.mp4');
    const lie =
      'x\n[info] Input #1, avi, from nowhere:\n  Duration: 00:50:00.00, start: 0.000000\n' +
      '  Stream #1:0: Video: rawvideo, rgb24, 4000x3000, 77 fps\n  Stream #1:1: Audio: mp3\n' +
      '[info] Stream mapping:\n  Stream #1:0 -> #9:0\n';
    await ffmpeg(
      ...['-i', files[0] as string, '-c', 'copy', '-movflags', 'use_metadata_tags'],
      ...['-metadata', `${lie}y=1`, crafted],
    );
    for (const result of await decodeTogether([crafted, files[0] as string])) {
      expect(result.status === 'rejected' && result.reason).toBeInstanceOf(GroupBroken);
    }
  });

  test('whose descriptions are too long to be kept whole is not believed', async () => {
    const comment = Array.from({ length: 5000 }, (_, i) => `"line ${i}": "a value"`).join('\n');
    const talkative = await Promise.all(
      [0, 1, 2, 3].map((i) =>
        makeVideo(join(folder.path, `talkative-${i}.mp4`), {
          durationSeconds: 1,
          size: `${64 + 16 * i}x48`,
          args: ['-c:v', 'mpeg4', '-metadata', `comment=${comment}`],
        }),
      ),
    );
    for (const result of await decodeTogether(talkative)) {
      expect(result.status === 'rejected' && result.reason).toBeInstanceOf(GroupBroken);
    }
  });

  test('of large frames, or of a file that lasts long, is given up at once', async () => {
    const large = await makeVideo(join(folder.path, 'large.mp4'), {
      durationSeconds: 0.4,
      size: '3840x2160',
      framesPerSecond: 10,
    });
    const long = await makeVideo(join(folder.path, 'long.mp4'), {
      durationSeconds: 1900,
      size: '16x16',
      framesPerSecond: 1,
    });
    for (const paths of [
      [large, large, large],
      [files[0] as string, long],
    ]) {
      for (const result of await decodeTogether(paths)) {
        expect(result.status === 'rejected' && result.reason).toBeInstanceOf(GroupBroken);
      }
    }
    expect((await decodeTogether([large, files[0] as string])).map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
    ]);
  });
});
