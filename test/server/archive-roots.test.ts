import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pathInArchive } from '../../server/archive-roots.js';

let folder: string;
let root: string;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'cliptrace-roots-')));
  root = join(folder, 'archive');
  await mkdir(join(root, 'deep'), { recursive: true });
  await mkdir(join(folder, 'archive-of-others'));
  await writeFile(join(root, 'deep', 'a.mp4'), '');
  await writeFile(join(folder, 'archive-of-others', 'b.mp4'), '');
  await symlink(join(folder, 'archive-of-others'), join(root, 'way-out'));
  await symlink(join(root, 'deep'), join(folder, 'way-in'));
  await symlink(join(folder, 'nowhere'), join(root, 'dangling'));
  await symlink(join(root, 'loop'), join(root, 'loop'));
});

afterAll(() => rm(folder, { recursive: true }));

describe('pathInArchive', () => {
  it('gives the real path of what lies in a root, the root itself included', async () => {
    await expect(pathInArchive(root, [root])).resolves.toBe(root);
    await expect(
      pathInArchive(join(root, 'deep', '..', 'deep', 'a.mp4'), ['/elsewhere', root]),
    ).resolves.toBe(join(root, 'deep', 'a.mp4'));
  });

  it('follows symlinks to where they lead', async () => {
    await expect(pathInArchive(join(folder, 'way-in'), [root])).resolves.toBe(join(root, 'deep'));
  });

  it('has one answer for everything outside, there or not', async () => {
    const outside = [
      '/',
      '/etc/passwd',
      '/no/such/place',
      folder,
      join(folder, 'archive-of-others'),
      join(folder, 'archive-of-others', 'b.mp4'),
      join(folder, 'archive-of-others', 'none.mp4'),
      join(root, '..', 'archive-of-others'),
      join(root, 'way-out'),
      join(root, 'way-out', 'b.mp4'),
      join(root, 'way-out', 'none.mp4'),
      join(root, 'dangling'),
      join(root, 'dangling', 'x'),
      join(root, 'loop'),
      'relative/path',
      '.',
    ];
    const messages = new Set<string>();
    for (const path of outside) {
      const error = await pathInArchive(path, [root]).catch((thrown: Error) => thrown);
      expect(error, path).toMatchObject({ code: 'PATH_OUTSIDE_ARCHIVE' });
      messages.add((error as Error).message);
    }
    expect(messages.size).toBe(1);
  });

  it('says of a place inside that nothing is there', async () => {
    const missing = join(root, 'deep', 'new', 'c.mp4');
    await expect(pathInArchive(missing, [root])).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await expect(pathInArchive(join(root, 'deep', 'a.mp4', 'below'), [root])).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
    });
  });

  it('refuses everything when there is no root', async () => {
    await expect(pathInArchive(root, [])).rejects.toMatchObject({ code: 'PATH_OUTSIDE_ARCHIVE' });
  });
});
