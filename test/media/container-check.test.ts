import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkContainer, looksLikeVideo, VIDEO_EXTENSIONS } from '../../index/media/container-check.js';
import { ffmpeg, makeVideo, temporaryFolder } from '../fixtures/videos.js';

const folder = temporaryFolder();

async function fileOf(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder.path, name);
  await writeFile(path, content);
  return path;
}

async function expectRefusal(path: string, code: string): Promise<void> {
  await expect(checkContainer(path)).rejects.toMatchObject({ code });
  expect(await looksLikeVideo(path)).toBe(false);
}

describe('checkContainer', () => {
  test.each([
    ['mp4', [], 'mov'],
    ['mov', [], 'mov'],
    ['3gp', ['-c:v', 'mpeg4'], 'mov'],
    ['frag.mp4', ['-movflags', 'frag_keyframe+empty_moov'], 'mov'],
    ['mkv', [], 'matroska'],
    ['webm', ['-c:v', 'libvpx'], 'matroska'],
    ['avi', [], 'avi'],
    ['gif', [], 'gif'],
    ['ts', [], 'mpegts'],
    ['m2ts', ['-mpegts_m2ts_mode', '1'], 'mpegts'],
    ['mpg', [], 'mpeg'],
    ['vob', [], 'mpeg'],
    ['m1v', [], 'mpegvideo'],
    ['m2v', [], 'mpegvideo'],
    ['flv', [], 'flv'],
    ['wmv', [], 'asf'],
    ['ogv', [], 'ogg'],
    ['ivf', ['-c:v', 'libvpx'], 'ivf'],
    ['y4m', [], 'yuv4mpegpipe'],
    ['mxf', [], 'mxf'],
    ['nut', [], 'nut'],
    ['h264', ['-c:v', 'libx264'], 'h264'],
    ['hevc', ['-c:v', 'libx265', '-x265-params', 'log-level=none'], 'hevc'],
    ['m4v.raw', ['-c:v', 'mpeg4', '-f', 'm4v'], 'm4v'],
  ])('knows a %s by its content alone', async (extension, args, demuxer) => {
    const made = await makeVideo(join(folder.path, `made.${extension}`), { durationSeconds: 0.5, args });
    const disguised = join(folder.path, `made-${demuxer}.txt`);
    await copyFile(made, disguised);
    expect((await checkContainer(disguised)).demuxers).toEqual([demuxer]);
    expect(await looksLikeVideo(disguised)).toBe(true);
  });

  test('knows a transport stream that was cut in the middle of a packet', async () => {
    const path = await makeVideo(join(folder.path, 'whole.ts'), { durationSeconds: 1 });
    const cut = await fileOf('cut.ts', (await readFile(path)).subarray(101));
    expect((await checkContainer(cut)).demuxers).toEqual(['mpegts']);
  });

  test.each([
    ['an HLS playlist', '#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:10,\nfile:///etc/passwd\n'],
    ['an HLS playlist after a byte order mark', '\ufeff#EXTM3U\n/etc/passwd\n'],
    ['an HLS playlist after blanks', '\n\n  #EXTM3U\n/etc/passwd\n'],
    ['a concat list', "ffconcat version 1.0\nfile '/etc/passwd'\n"],
    ['a bare concat list', "file '/etc/passwd'\n"],
    ['a session description', 'v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n'],
    ['a DASH manifest', '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>'],
    ['a SMIL file', '<smil><body><video src="/etc/passwd"/></body></smil>'],
    ['an SVG image', '<svg xmlns="http://www.w3.org/2000/svg"></svg>'],
    ['a pls playlist', '[playlist]\nFile1=/etc/passwd\n'],
    ['subtitles', '1\n00:00:01,000 --> 00:00:02,000\nhello\n'],
    ['WebVTT', 'WEBVTT\n\n00:01.000 --> 00:02.000\nhello\n'],
    ['a stream address', 'rtsp://example.org/stream'],
  ])('refuses %s under the name of a video', async (_, content) => {
    await expectRefusal(await fileOf('attack.mp4', content), 'CONTAINER_NOT_ALLOWED');
  });

  test.each([
    ['text', 'This is no video at all.\n'],
    ['text that speaks of atoms', 'The free man skips: the wide mdat of moov.\n'],
    ['text that speaks of containers', 'My best AVI files are CWS, ID3 and BM.\n'],
    ['one byte', 'x'],
    ['a ZIP archive', Buffer.from('PK\x03\x04aaaaaaaaaaaaaaaaaaaaaaaa', 'latin1')],
    ['zeros', Buffer.alloc(10_000)],
    ['JSON', '{"ftyp": "isom"}'],
    ['HTML', '<!doctype html><html></html>'],
    ['an AVIF image', Buffer.from('\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf', 'latin1')],
  ])('refuses %s as no video', async (_, content) => {
    await expectRefusal(await fileOf('content.mp4', content), 'NOT_A_VIDEO');
  });

  test.each(['jpg', 'png', 'bmp', 'tiff', 'webp'])('refuses a %s image', async (type) => {
    const path = join(folder.path, `image.${type}`);
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x48', '-frames:v', '1', path);
    await expectRefusal(path, 'NOT_A_VIDEO');
  });

  test.each(['wav', 'mp3', 'flac', 'ogg', 'm4a', 'aac'])('refuses sound alone in a %s', async (type) => {
    const path = join(folder.path, `sound.${type}`);
    await ffmpeg('-f', 'lavfi', '-i', 'sine=d=1', path);
    await expectRefusal(path, 'NO_VIDEO_STREAM');
  });

  test('refuses what is empty, missing or no file', async () => {
    await expectRefusal(await fileOf('empty.mp4', ''), 'FILE_EMPTY');
    await expectRefusal(join(folder.path, 'missing.mp4'), 'FILE_NOT_FOUND');
    await expectRefusal(join(folder.path, 'empty.mp4', 'below.mp4'), 'FILE_NOT_FOUND');
    const inside = join(folder.path, 'folder.mp4');
    mkdirSync(inside);
    await expectRefusal(inside, 'FILE_NOT_READABLE');
  });

  test.runIf(process.platform === 'linux')('refuses pipes and devices without waiting for them', async () => {
    const pipe = join(folder.path, 'pipe.mp4');
    execFileSync('mkfifo', [pipe]);
    await expectRefusal(pipe, 'FILE_NOT_READABLE');
    await expectRefusal('/dev/zero', 'FILE_NOT_READABLE');
    const link = join(folder.path, 'link.mp4');
    symlinkSync('/dev/zero', link);
    await expectRefusal(link, 'FILE_NOT_READABLE');
  });

  // root reads everything.
  test.skipIf(process.getuid?.() === 0)('refuses a file without permission', async () => {
    const path = await fileOf('secret.mp4', 'x');
    chmodSync(path, 0);
    await expectRefusal(path, 'FILE_NOT_READABLE');
  });

  test('names the file in one line, without its folders, and the remedy', async () => {
    const path = await fileOf('a "strange"\nname.mp4', 'text');
    const message = await checkContainer(path).then(String, (error: Error) => error.message);
    expect(message).toContain('"a \\"strange\\"\\nname.mp4"');
    expect(message).not.toContain(folder.path);
    expect(message).toMatch(/Use MP4/);
  });

  test('lists extensions in lower case with their dot', () => {
    expect([...VIDEO_EXTENSIONS].every((extension) => /^\.[a-z0-9]+$/.test(extension))).toBe(true);
    expect(VIDEO_EXTENSIONS.has('.mp4')).toBe(true);
    expect(VIDEO_EXTENSIONS.has('.txt')).toBe(false);
  });
});
