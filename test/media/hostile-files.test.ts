import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FfmpegChild } from '../../index/media/child-process.js';
import { inputArguments } from '../../index/media/input-arguments.js';
import { probeVideo } from '../../index/media/probe.js';
import { writeThumbnail } from '../../index/media/thumbnail.js';
import { decodeAll, ffmpeg, ffmpegProgram, limits, makeVideo, temporaryFolder } from '../fixtures/videos.js';

const folder = temporaryFolder();

describe('file names', () => {
  test.each([
    ['spaces', 'a b  c.mp4'],
    ['quotes', `it's "quoted".mp4`],
    ['a line break', 'two\nlines.mp4'],
    ['a line that looks like ffmpeg’s own', 'x\n  Stream #0:9: Video: fake, yuv420p, 9x9, 9 fps.mp4'],
    ['a leading dash', '-i.mp4'],
    ['a colon', 'file:concat:http.mp4'],
    ['per cent signs', '%d-%05d%%20.mp4'],
    ['brackets and wildcards', '[0-9]*?{a}.mp4'],
    ['a bar', 'a|b.mp4'],
    ['a backslash', 'a\\b.mp4'],
    ['a dollar and backticks', '$(id)`id`.mp4'],
    ['other scripts', '動画 видео βίντεο 🎬 Ώ.mp4'],
    ['no extension', 'plain'],
    ['another extension', 'really-a-video.txt'],
  ])('with %s are taken literally', async (_, name) => {
    const source = await makeVideo(join(folder.path, 'source.mp4'), { durationSeconds: 2 });
    const path = join(folder.path, 'names', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, await readFile(source));
    const probe = await probeVideo({ ffmpeg: await ffmpegProgram(), filePath: path, limits });
    expect(probe).toMatchObject({
      width: 64,
      height: 48,
      codec: 'mpeg4',
      durationSeconds: 2,
      streamIndex: 0,
    });
    expect((await decodeAll(path)).summary).toEqual({ frameCount: 16, durationSeconds: 2, damaged: false });
    const outPath = `${path}.jpg`;
    await writeThumbnail({
      ffmpeg: await ffmpegProgram(),
      filePath: path,
      atSeconds: 1,
      widthPixels: 32,
      outPath,
      limits,
    });
    expect((await readFile(outPath)).length).toBeGreaterThan(100);
  });

  test('may be relative to the current folder', async () => {
    await makeVideo(join(folder.path, '-relative.mp4'), { durationSeconds: 1 });
    const here = process.cwd();
    process.chdir(folder.path);
    try {
      expect((await decodeAll('-relative.mp4')).summary.frameCount).toBe(8);
    } finally {
      process.chdir(here);
    }
  });
});

describe('what a file may make ffmpeg do', () => {
  /** What the arguments alone let through, had the first bytes been taken for those of `demuxers`. */
  async function openWith(filePath: string, demuxers: string[]): Promise<string> {
    const args = inputArguments({ filePath, demuxers, limits, logLevel: 'info' });
    const child = new FfmpegChild({
      ffmpeg: await ffmpegProgram(),
      args: [...args, '-f', 'null', '-'],
      filePath,
      timeoutMs: 30_000,
      stallTimeoutMs: 30_000,
    });
    while ((await child.read()) !== null);
    const { exitCode } = await child.wait();
    expect(exitCode).not.toBe(0);
    return child.stderr.text();
  }

  test.each([
    ['HLS', (path: string) => `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n${path}\n#EXT-X-ENDLIST\n`],
    ['concat', (path: string) => `ffconcat version 1.0\nfile '${path}'\n`],
  ])('a %s list opens no other file, not even past the check of the first bytes', async (_, content) => {
    const secret = await makeVideo(join(folder.path, 'secret.ts'), { durationSeconds: 1 });
    const attack = join(folder.path, 'attack.mp4');
    await writeFile(attack, content(secret));
    await expect(decodeAll(attack)).rejects.toMatchObject({ code: 'CONTAINER_NOT_ALLOWED' });
    const text = await openWith(attack, ['mov']);
    expect(text).not.toContain('mpegts');
    expect(text).not.toContain('secret.ts');
  });

  test('a container opens only with its own demuxer', async () => {
    const avi = await makeVideo(join(folder.path, 'plain.avi'), { durationSeconds: 1 });
    expect(await openWith(avi, ['matroska'])).toMatch(/whitelist|invalid data|invalid argument/i);
  });

  test('a report in the environment is not passed on', async () => {
    const path = await makeVideo(join(folder.path, 'reported.mp4'), { durationSeconds: 1 });
    const report = join(folder.path, 'report.log');
    process.env.FFREPORT = `file=${report}:level=32`;
    try {
      await decodeAll(path);
    } finally {
      delete process.env.FFREPORT;
    }
    await expect(readFile(report)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('frames larger than allowed are refused by the probe and by the decode, before they are decoded', async () => {
    const path = await makeVideo(join(folder.path, 'large.mp4'), { size: '1280x720', durationSeconds: 0.2 });
    const small = { ...limits, maxPixels: 1280 * 719 };
    const ffmpegFound = await ffmpegProgram();
    await expect(probeVideo({ ffmpeg: ffmpegFound, filePath: path, limits: small })).rejects.toMatchObject({
      code: 'RESOLUTION_TOO_LARGE',
    });
    await expect(decodeAll(path, { limits: small })).rejects.toMatchObject({ code: 'RESOLUTION_TOO_LARGE' });
    const enough = { ...limits, maxPixels: 1280 * 720 };
    expect((await decodeAll(path, { limits: enough })).summary.frameCount).toBe(2);
  });

  test('a header that tells of a longer video than allowed is refused at once', async () => {
    const path = await makeVideo(join(folder.path, 'longer.mkv'), { durationSeconds: 1 });
    const probe = async (maxDurationSeconds: number) =>
      probeVideo({
        ffmpeg: await ffmpegProgram(),
        filePath: path,
        limits: { ...limits, maxDurationSeconds },
      });
    expect((await probe(1)).durationSeconds).toBe(1);
    await expect(probe(0.5)).rejects.toMatchObject({
      code: 'VIDEO_TOO_LONG',
      message: expect.stringMatching(/lasts 1\.0 s.*limit is 0\.5 s/),
    });
  });

  test('a picture as cover is no video; a film with a cover is', async () => {
    const cover = join(folder.path, 'cover.png');
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x64', '-frames:v', '1', cover);
    // The picture as first stream, as cover.
    const asCover = ['-c:v', 'copy', '-disposition:v:0', 'attached_pic'];
    const mp4 = join(folder.path, 'song.mp4');
    await ffmpeg(
      '-i',
      cover,
      '-f',
      'lavfi',
      '-i',
      'sine=d=1',
      '-map',
      '0',
      '-map',
      '1',
      '-c:a',
      'aac',
      ...asCover,
      mp4,
    );
    await expect(decodeAll(mp4)).rejects.toMatchObject({ code: 'NO_VIDEO_STREAM' });
    await expect(probeVideo({ ffmpeg: await ffmpegProgram(), filePath: mp4, limits })).rejects.toMatchObject({
      code: 'NO_VIDEO_STREAM',
    });
    const film = join(folder.path, 'film.mp4');
    const video = await makeVideo(join(folder.path, 'plain.mp4'), { durationSeconds: 2 });
    await ffmpeg(
      '-i',
      cover,
      '-i',
      video,
      '-map',
      '0',
      '-map',
      '1',
      '-c',
      'copy',
      '-disposition:v:0',
      'attached_pic',
      film,
    );
    const probe = await probeVideo({ ffmpeg: await ffmpegProgram(), filePath: film, limits });
    expect(probe).toMatchObject({ codec: 'mpeg4', width: 64, height: 48 });
    const withIndex = await decodeAll(film, { streamIndex: probe.streamIndex });
    const without = await decodeAll(film);
    expect(withIndex.summary).toEqual({ frameCount: 16, durationSeconds: 2, damaged: false });
    expect(
      Buffer.from(without.clips[0]?.pixels ?? []).equals(withIndex.clips[0]?.pixels ?? Buffer.alloc(0)),
    ).toBe(true);
  });
});
