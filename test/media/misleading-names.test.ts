import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { splitLevels } from '../../index/media/log-levels.js';
import { StderrText } from '../../index/media/stderr-text.js';
import { decodeAll, ffmpeg, makeVideo, temporaryFolder } from '../fixtures/videos.js';

const folder = temporaryFolder();
let video: string;

/** Texts by which ffmpeg's complaints are told apart. */
const COMPLAINTS = [
  'no space left on device',
  'unknown codec',
  'not on whitelist',
  'x does not contain any stream',
  'y: permission denied',
  'moov atom not found',
];

beforeAll(async () => {
  video = await makeVideo(join(folder.path, 'video.mp4'), { durationSeconds: 2 });
});

describe('what a file is called, or says of itself', () => {
  test.each(COMPLAINTS)('is no reason why it cannot be decoded: %s', async (complaint) => {
    const cut = (await readFile(video)).subarray(0, 3000);
    const plain = join(folder.path, 'cut.mp4');
    const named = join(folder.path, `${complaint}.mp4`);
    await writeFile(plain, cut);
    await copyFile(plain, named);
    const failure = (filePath: string) =>
      decodeAll(filePath).then(
        () => null,
        ({ code }) => code,
      );
    const code = await failure(plain);
    expect(code).not.toBeNull();
    expect(await failure(named)).toBe(code);
  });

  test.each(COMPLAINTS)('does not harm it when it is whole: %s', async (complaint) => {
    const named = join(folder.path, `whole, ${complaint}.mp4`);
    const tag = `x\n${complaint}\nError while decoding stream=1`;
    await ffmpeg('-i', video, '-c', 'copy', '-movflags', 'use_metadata_tags', '-metadata', tag, named);
    const { clips, summary } = await decodeAll(named);
    const plain = await decodeAll(video);
    expect(summary).toEqual(plain.summary);
    expect(clips).toEqual(plain.clips);
  });
});

describe('lines without a level', () => {
  test('go on with the message before them', () => {
    const said = splitLevels(
      ['setpriv: no', '[info] Input', 'broken name', '[error] bad', 'and worse', '[info]  fine', 'x'].join(
        '\n',
      ),
    );
    expect(said.errors).toEqual(['setpriv: no', 'bad', 'and worse']);
    expect(said.text).toBe('Input\nbroken name\n fine\nx');
  });

  test('are none that the middle was left out of', () => {
    const stderr = new StderrText();
    const line = (i: number) => `[info] line ${i} ${'-'.repeat(80)}\n`;
    for (let i = 0; i < 20_000; i += 1) stderr.push(Buffer.from(line(i)));
    expect(stderr.isCut).toBe(true);
    const lines = stderr.text().trimEnd().split('\n');
    expect(lines.length).toBeLessThan(20_000);
    for (const one of lines) expect(one).toMatch(/^\[info\] line \d+ -{80}$/);
    expect(lines[0]).toContain('line 0 ');
    expect(lines.at(-1)).toContain('line 19999 ');
  });
});
