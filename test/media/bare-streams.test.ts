import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { errorCodeOf } from '../../index/errors.js';
import { checkContainer, looksLikeVideo } from '../../index/media/container-check.js';
import { probeVideo } from '../../index/media/probe.js';
import { decodeAll, ffmpeg, ffmpegProgram, limits, makeVideo, temporaryFolder } from '../fixtures/videos.js';

const folder = temporaryFolder();

async function fileOf(name: string, bytes: Buffer): Promise<string> {
  const path = join(folder.path, name);
  await writeFile(path, bytes);
  return path;
}

const LONG_START = Buffer.from([0, 0, 0, 1]);
const SHORT_START = Buffer.from([0, 0, 1]);

/** Each start code of four bytes as one of three. */
function shortStarts(stream: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let from = 0; from < stream.length; ) {
    const next = stream.indexOf(LONG_START, from);
    parts.push(stream.subarray(from, next < 0 ? stream.length : next));
    if (next < 0) break;
    parts.push(SHORT_START);
    from = next + LONG_START.length;
  }
  return Buffer.concat(parts);
}

/** Every unit of this first byte gets another one. */
function withHeader(stream: Buffer, from: number, to: number): Buffer {
  const changed = Buffer.from(stream);
  for (let at = changed.indexOf(SHORT_START); at >= 0; at = changed.indexOf(SHORT_START, at + 3)) {
    if (changed[at + 3] === from) changed[at + 3] = to;
  }
  return changed;
}

/** User data of sixteen bytes and a word. */
const REMARK = [0x05, 18, ...Array.from({ length: 16 }, (_, i) => i + 1), 0x68, 0x69, 0x80];
const H264_REMARK = Buffer.from([0, 0, 0, 1, 0x06, ...REMARK]);
const HEVC_REMARK = Buffer.from([0, 0, 0, 1, 0x4e, 0x01, ...REMARK]);
const H264_DELIMITER = Buffer.from([0, 0, 0, 1, 0x09, 0xf0]);
const HEVC_DELIMITER = Buffer.from([0, 0, 0, 1, 0x46, 0x01, 0x50]);
const before = (begin: Buffer) => (stream: Buffer) => Buffer.concat([begin, stream]);

const VARIANTS: [string, string, (stream: Buffer) => Buffer][] = [
  ['h264', 'as it is', (stream) => stream],
  ['h264', 'with start codes of three bytes', shortStarts],
  ['h264', 'behind zeros', before(Buffer.alloc(7))],
  ['h264', 'behind a remark', before(H264_REMARK)],
  [
    'h264',
    'behind a remark, with start codes of three bytes',
    (h264) => shortStarts(before(H264_REMARK)(h264)),
  ],
  ['h264', 'behind a delimiter', before(H264_DELIMITER)],
  ['h264', 'with parameters of importance 2', (stream) => withHeader(stream, 0x67, 0x47)],
  ['h264', 'with parameters of importance 1', (stream) => withHeader(stream, 0x67, 0x27)],
  ['hevc', 'as it is', (stream) => stream],
  ['hevc', 'with start codes of three bytes', shortStarts],
  ['hevc', 'behind zeros', before(Buffer.alloc(300))],
  ['hevc', 'behind a remark', before(HEVC_REMARK)],
  ['hevc', 'behind a delimiter', before(HEVC_DELIMITER)],
];

describe('a stream without a container', () => {
  const streams = new Map<string, Buffer>();

  beforeAll(async () => {
    const codecs: [string, string[]][] = [
      ['h264', ['-c:v', 'libx264', '-preset', 'ultrafast']],
      ['hevc', ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none']],
    ];
    for (const [codec, args] of codecs) {
      const path = await makeVideo(join(folder.path, `made.${codec}`), { args });
      streams.set(codec, await readFile(path));
    }
  });

  test.each(VARIANTS)('is decoded: %s, %s', async (codec, name, change) => {
    const path = await fileOf(`${codec}, ${name}`, change(streams.get(codec) as Buffer));
    expect((await checkContainer(path)).demuxers).toEqual([codec]);
    const { summary } = await decodeAll(path);
    expect(summary).toMatchObject({ frameCount: 32, damaged: false });
  });

  test.each([
    ['an icon', [0, 0, 1, 0, 1, 0, 16, 16]],
    ['a remark and nothing else', [...H264_REMARK, ...Array.from({ length: 300 }, (_, i) => 1 + (i % 99))]],
    ['one zero', [0, 1, 0x67, 0x64]],
    ['no delimiter', [0, 0, 0, 1, 9, 9, 9, 9]],
    ['zeros before a one', [...Array.from({ length: 50 }, () => 0), 1]],
  ])('is not %s', async (_, bytes) => {
    expect(await looksLikeVideo(await fileOf('other.bin', Buffer.from(bytes)))).toBe(false);
  });
});

describe('a transport stream of a few packets', () => {
  const made = async (codec: string) => {
    const source = ['-f', 'lavfi', '-i', 'testsrc2=s=16x16:d=1', '-frames:v', '1'];
    return ffmpeg(...source, '-c:v', codec, '-f', 'mpegts', '-');
  };

  test.each(['mpeg2video', 'mpeg4', 'libx264'])('that is whole is decoded: %s', async (codec) => {
    const stream = await made(codec);
    expect(stream.length).toBeLessThan(3000);
    const path = await fileOf(`${codec}.ts`, stream);
    expect((await decodeAll(path)).summary.frameCount).toBe(1);
    expect(await probeVideo({ ffmpeg: await ffmpegProgram(), filePath: path, limits })).toMatchObject({
      width: 16,
    });
  });

  test.each([200, 400, 700, 2000])('that is cut at %i bytes is decoded, or has no frames', async (length) => {
    const video = await makeVideo(join(folder.path, 'long.ts'), { args: ['-c:v', 'mpeg2video'] });
    const path = await fileOf('cut.ts', (await readFile(video)).subarray(0, length));
    const outcome = await decodeAll(path).then(({ summary }) => `${summary.frameCount} frames`, errorCodeOf);
    expect(outcome).toMatch(/^(\d+ frames|NO_FRAMES)$/);
  });
});
