import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { resolveFfmpeg } from '../../index/media/ffmpeg-program.js';
import { ffmpegProgram, temporaryFolder } from '../fixtures/videos.js';

const folder = temporaryFolder();

async function program(name: string, script: string): Promise<string> {
  const path = join(folder.path, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

const saysVersion = (version: string, libavutil: string): string =>
  `printf 'ffmpeg version ${version} Copyright\\nlibavutil      ${libavutil} / ${libavutil}\\n'`;

describe('resolveFfmpeg', () => {
  test('takes FFMPEG_PATH before anything else', async () => {
    const { path } = await ffmpegProgram();
    const link = join(folder.path, 'my ffmpeg');
    await symlink(path, link);
    const found = await resolveFfmpeg({ env: { FFMPEG_PATH: link, PATH: process.env.PATH } });
    expect(found).toMatchObject({ path: link, source: 'FFMPEG_PATH' });
    expect(found.version).not.toBe('');
  });

  test.each([
    ['is not there', async () => join(folder.path, 'nowhere')],
    ['is a folder', async () => folder.path],
    [
      'is not executable',
      async () => await writeFile(join(folder.path, 'plain'), '').then(() => join(folder.path, 'plain')),
    ],
    ['is another program', () => program('other', 'echo something else')],
    ['fails', () => program('fails', 'exit 7')],
    ['crashes', () => program('crashes', 'kill -SEGV $$')],
  ])('refuses a FFMPEG_PATH that %s, and takes no other in its place', async (_, make) => {
    const value = await make();
    const env = { FFMPEG_PATH: value, PATH: process.env.PATH };
    await expect(resolveFfmpeg({ env })).rejects.toMatchObject({
      code: 'FFMPEG_NOT_USABLE',
      message: expect.stringContaining(`FFMPEG_PATH is "${value}"`),
    });
  });

  test('takes ffmpeg-static where FFMPEG_BIN names its program', async () => {
    const path = await program('static/ffmpeg', saysVersion('7.0.2', '59.8.100'));
    const found = await resolveFfmpeg({ env: { FFMPEG_BIN: path, PATH: '' } });
    expect(found).toMatchObject({ path, source: 'ffmpeg-static', version: '7.0.2', warning: null });
  });

  test('finds a program on PATH, past one that does not work', async () => {
    const broken = await program('broken/ffmpeg', 'exit 1');
    const path = await program('bin/ffmpeg', saysVersion('5.1.6-0+deb12u1', '57.28.100'));
    const PATH = [join(broken, '..'), join(path, '..')].join(':');
    const found = await resolveFfmpeg({ env: { PATH, FFMPEG_BIN: join(folder.path, 'absent') } });
    // Where ffmpeg-static has its program, that one goes first.
    if (found.source === 'PATH') {
      expect(found).toMatchObject({ path, source: 'PATH', version: '5.1.6-0+deb12u1', warning: null });
    } else expect(found.source).toBe('ffmpeg-static');
  });

  test('falls back to the program that npm carries, and warns of its age', async () => {
    const found = await resolveFfmpeg({ env: { PATH: '' } });
    if (found.source === 'ffmpeg-static') return expect(found.warning).toBeNull();
    expect(found.source).toBe('@ffmpeg-installer/ffmpeg');
    expect(found.warning).toMatch(/older than ffmpeg 5.*FFMPEG_PATH/);
  });

  test.each([
    ['4.4.2', '56.70.100', true],
    ['N-47683-g0e8eb07980-static', '56. 24.101', true],
    ['5.0', '57.17.100', false],
    ['n9.0.2-17-g2a571b6068', '60. 26.102', false],
  ])('warns of %s: %s', async (version, libavutil, warns) => {
    const path = await program(`version-${version}`, saysVersion(version, libavutil));
    const found = await resolveFfmpeg({ env: { FFMPEG_PATH: path } });
    expect(found.version).toBe(version);
    expect(found.warning !== null).toBe(warns);
  });
});
