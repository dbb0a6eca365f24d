import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createWorkspace, SAMPLES_FOLDER, type Workspace } from '../helpers/workspace.js';

const SAMPLE = path.join(SAMPLES_FOLDER, 'head-pose-face-detection-male.mp4');
const OTHER = path.join(SAMPLES_FOLDER, 'classroom.mp4');

let workspace: Workspace;

beforeEach(() => {
  workspace = createWorkspace();
});

afterEach(() => workspace.remove());

const below = (...names: string[]) => path.join(workspace.data, ...names);

/** Every file and link below a folder. */
function treeOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort();
}

/** What somebody may keep in folders of these names: among it much that looks like ours. */
function fillByUser(): string[] {
  const uuid = randomUUID();
  for (const folder of [
    'media/x',
    `media/${uuid}`,
    'tmp/restore/media',
    'tmp/upload-photos',
    'thumbnails/summer',
    'vectors/old',
  ]) {
    mkdirSync(below(folder), { recursive: true });
  }
  copyFileSync(SAMPLE, below('media/a.mp4'));
  copyFileSync(OTHER, below('media/x/b.mp4'));
  const texts = [
    `media/${uuid}/c.mp4.txt`,
    `media/${uuid.toUpperCase()}.MOV`,
    `media/${randomUUID()}.txt`,
    'tmp/notes.txt',
    'tmp/calibration-1.mkv.txt',
    'tmp/restore/library.sqlite',
    'tmp/restore/media/holiday.txt',
    'tmp/upload-photos/IMG_1.txt',
    'thumbnails/summer/1.jpg',
    'thumbnails/cover.strip.part',
    'vectors/old/logo.svg',
    'vectors/~deadbeef.json',
  ];
  for (const name of texts) writeFileSync(below(name), 'mine');
  const elsewhere = path.join(workspace.root, 'elsewhere');
  mkdirSync(elsewhere, { recursive: true });
  writeFileSync(path.join(elsewhere, 'precious'), 'mine');
  for (const folder of ['media', 'tmp'])
    symlinkSync(path.join(elsewhere, 'precious'), below(folder, randomUUID()));
  symlinkSync(elsewhere, below('media', randomUUID()));
  symlinkSync(elsewhere, below('tmp/cliptrace-upload-abcDEF'));
  return treeOf(workspace.data);
}

function expectKept(users: readonly string[]): void {
  expect(treeOf(workspace.data)).toEqual(expect.arrayContaining([...users]));
  expect(treeOf(path.join(workspace.root, 'elsewhere'))).toEqual(['precious']);
}

describe('a data folder in which others keep files', () => {
  it('loses none of them to a start, an indexing, a look or a repair; what is indexed there is found', async () => {
    const users = fillByUser();
    const indexed = await workspace.cli(['index', below('media'), '--json']);
    expect(JSON.parse(indexed.stdout)).toMatchObject({ counts: { indexed: 2 } });
    expectKept(users);
    const again = await workspace.cli(['index', below('media'), '--prune', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ counts: { unchanged: 2, pruned: 0, missing: 0 } });
    expect((await workspace.cli(['jobs', 'run'])).code).toBe(0);
    for (const args of [['verify'], ['verify', '--repair']]) {
      const verified = await workspace.cli(args);
      expect(verified.code, verified.stdout).toBe(0);
    }
    expectKept(users);
    expect((await workspace.cli(['remove', '1'])).code).toBe(0);
    expect((await workspace.cli(['jobs', 'run'])).code).toBe(0);
    expectKept(users);
  });

  it.each(['media', 'tmp'])('whose %s leads elsewhere loses nothing there', async (name) => {
    const elsewhere = path.join(workspace.root, 'elsewhere');
    mkdirSync(elsewhere);
    const names = [randomUUID(), 'cliptrace-pictures-0123456789abcdef', 'a.mp4'];
    for (const one of names) copyFileSync(SAMPLE, path.join(elsewhere, one));
    mkdirSync(workspace.data);
    symlinkSync(elsewhere, below(name));
    for (const args of [
      ['jobs', 'run'],
      ['verify', '--repair'],
      ['jobs', 'run'],
    ]) {
      const run = await workspace.cli(args);
      expect(run.code, run.stderr + run.stdout).toBe(0);
    }
    expect(treeOf(elsewhere)).toEqual(names.sort());
  });
});

describe('what a killed process left', () => {
  const leave = () => {
    const received = `tmp/cliptrace-upload-abcDEF/${randomUUID()}`;
    const files = [
      received,
      'tmp/cliptrace-edits-012345/query.mp4',
      'tmp/cliptrace-pictures-0123456789abcdef',
      'tmp/cliptrace-calibration-12.mkv',
      'tmp/cliptrace-restore/library.sqlite',
      'tmp/cliptrace-restore/media/x',
      // Of before these names had a prefix.
      `tmp/upload-Ab01cd/${randomUUID()}`,
      'tmp/pictures-0123456789abcdef',
      `media/${randomUUID()}`,
    ];
    for (const name of files) {
      mkdirSync(path.dirname(below(name)), { recursive: true });
      writeFileSync(below(name), 'ours');
    }
    mkdirSync(below('tmp/cliptrace-upload-000000'));
  };

  it('is swept by the next start', async () => {
    await (await workspace.open()).close();
    leave();
    await (await workspace.open()).close();
    for (const folder of ['tmp', 'media']) expect(readdirSync(below(folder))).toEqual([]);
  });

  it('is told by verify and deleted by its repair; what others put beside it stays', async () => {
    await (await workspace.open()).close();
    leave();
    writeFileSync(below('tmp/cliptrace-restore/notes.txt'), 'mine');
    const found = await workspace.cli(['verify', '--json']);
    expect(found.code).toBe(4);
    expect(found.stdout).not.toContain('notes.txt');
    const repaired = await workspace.cli(['verify', '--repair']);
    expect(repaired.code, repaired.stdout).toBe(5);
    expect(treeOf(below('tmp'))).toEqual(['cliptrace-restore/notes.txt']);
    expect(readdirSync(below('media'))).toEqual([]);
    expect((await workspace.cli(['verify'])).code).toBe(0);
  });

  it('is swept where the data folder itself is reached through a link', async () => {
    await (await workspace.open()).close();
    leave();
    const real = path.join(workspace.root, 'real');
    await cp(workspace.data, real, { recursive: true });
    const link = path.join(workspace.root, 'link');
    symlinkSync(real, link);
    const run = await workspace.cli(['jobs', 'run', '--data', link]);
    expect(run.code, run.stderr).toBe(0);
    for (const folder of ['tmp', 'media']) expect(readdirSync(path.join(real, folder))).toEqual([]);
  });
});
