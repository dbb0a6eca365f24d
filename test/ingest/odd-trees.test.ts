import { execFileSync } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import { chmod, copyFile, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedCliptrace } from '../../index/cliptrace.js';
import { scanArchive } from '../../index/ingest/scan.js';
import type { JobFile } from '../../index/library/types.js';
import { wrapFfmpeg } from '../helpers/ffmpeg-wrapper.js';
import { createWorkspace, indexInto, SAMPLES_FOLDER } from '../helpers/workspace.js';

const SHORT = 'head-pose-face-detection-male.mp4';
const OTHER = 'classroom.mp4';
const onPosix = process.platform !== 'win32';

const workspace = createWorkspace();
const inArchive = (...names: string[]) => path.join(workspace.archive, ...names);
let cliptrace: OpenedCliptrace;

beforeAll(async () => {
  await mkdir(workspace.archive);
  const vanishing = inArchive('vanishes-while-decoded.mp4');
  const replaced = inArchive('replaced-while-decoded.mp4');
  const decoding = (file: string) => `*"${file}"*rawvideo*`;
  // What happens to a file between its hash and the end of its decode, with the size and the time of the old file.
  const ffmpeg = await wrapFfmpeg(
    path.join(workspace.root, 'ffmpeg'),
    `case "$all" in
      ${decoding(vanishing)}) rm -f '${vanishing}' ;;
      ${decoding(replaced)}) mv '${workspace.root}/replacement' '${replaced}' ;;
    esac`,
  );
  cliptrace = await workspace.open('write', { FFMPEG_PATH: ffmpeg, CLIPTRACE_CONFINE: 'off' });
});

afterAll(async () => {
  await cliptrace.close();
  workspace.remove();
});

const told = (files: readonly JobFile[], file: string) => {
  const { outcome, code, message } = files.find((one) => one.path === file) ?? {};
  return { outcome, code, message };
};

describe.runIf(onPosix)('an archive of odd entries', () => {
  it('goes round no loop of links, and names each link that leads back or nowhere', async () => {
    const good = await workspace.addSample(SHORT, 'loops/deep/er/good.mp4');
    await symlink('..', inArchive('loops', 'deep', 'up'));
    await symlink(inArchive('loops'), inArchive('loops', 'deep', 'er', 'top'));
    await symlink('itself', inArchive('loops', 'itself'));
    await symlink('b.mp4', inArchive('loops', 'a.mp4'));
    await symlink('a.mp4', inArchive('loops', 'b.mp4'));
    await symlink('/nowhere/at/all', inArchive('loops', 'unmounted'));
    const { files, job } = await indexInto(cliptrace, [inArchive('loops')]);
    expect(told(files, good)).toMatchObject({ outcome: 'indexed' });
    for (const name of ['a.mp4', 'b.mp4']) {
      expect(told(files, inArchive('loops', name))).toMatchObject({
        outcome: 'failed',
        code: 'FILE_NOT_READABLE',
        message: expect.stringContaining('ELOOP'),
      });
    }
    for (const [name, why] of [
      ['deep/up', 'read already'],
      ['deep/er/top', 'read already'],
      ['itself', 'ELOOP'],
      ['unmounted', 'does not exist'],
    ] as const) {
      const { outcome, message } = told(files, inArchive('loops', name));
      expect([outcome, message]).toEqual(['skipped', expect.stringContaining(why)]);
    }
    expect(files).toHaveLength(7);
    expect(job.progress).toMatchObject({ filesTotal: 3, filesDone: 1, filesFailed: 2 });
  });

  it('opens no pipe, socket or device, and names each, also one that is given by its own path', async () => {
    const good = await workspace.addSample(SHORT, 'special/good.mp4');
    const pipe = inArchive('special', 'pipe.mp4');
    execFileSync('mkfifo', [pipe, inArchive('special', 'quiet-pipe')]);
    await symlink('/dev/zero', inArchive('special', 'endless.mkv'));
    const socket = createServer().listen(inArchive('special', 'talk.sock'));
    const { files } = await indexInto(cliptrace, [inArchive('special')]);
    const direct = await cliptrace.jobs.submit({
      type: 'index',
      paths: [pipe, inArchive('special', 'endless.mkv')],
      collection: 'default',
      labelFrom: null,
      prune: false,
    });
    await cliptrace.jobs.run(direct);
    socket.close();
    expect(told(files, good).outcome).toBe('duplicate');
    const refused = { outcome: 'failed', code: 'FILE_NOT_READABLE' };
    for (const list of [files, await cliptrace.library.jobFiles(direct.id)]) {
      expect(told(list, pipe)).toMatchObject({ ...refused, message: expect.stringContaining('a pipe') });
      const device = told(list, inArchive('special', 'endless.mkv'));
      expect(device).toMatchObject({ ...refused, message: expect.stringContaining('a device') });
    }
    expect(told(files, inArchive('special', 'quiet-pipe'))).toMatchObject({ outcome: 'skipped' });
    expect(told(files, inArchive('special', 'talk.sock'))).toMatchObject({
      outcome: 'skipped',
      message: expect.stringContaining('a socket'),
    });
  });

  // Other systems refuse to make such names.
  it.runIf(process.platform === 'linux')(
    'tells of names that are not UTF-8, files and folders, and of names in every script indexes the file',
    async () => {
      const latin1 = (text: string) =>
        Buffer.concat([Buffer.from(inArchive('names/')), Buffer.from(text, 'latin1')]);
      const names = [
        '日本語 🎬.mp4',
        'u\u0308 decomposed.mp4',
        ' lead\ttab\r\n.mp4',
        '-i.mp4',
        '%41$HOME`x`;.mp4',
      ];
      await mkdir(inArchive('names'));
      for (const name of names) await copyFile(path.join(SAMPLES_FOLDER, SHORT), inArchive('names', name));
      for (const name of ['caf\xe9.mp4', 'caf\xe8.mp4', 'no-extension-\xff', 'notes-\xff.txt']) {
        const isText = name.endsWith('.txt');
        if (isText) await writeFile(latin1(name), 'notes');
        else await copyFile(path.join(SAMPLES_FOLDER, SHORT), latin1(name));
      }
      await mkdir(latin1('ordner-\xfc'));
      const { files, job } = await indexInto(cliptrace, [inArchive('names')]);
      for (const name of names) expect(told(files, inArchive('names', name)).outcome).toBe('duplicate');
      for (const name of ['caf\\xE9.mp4', 'caf\\xE8.mp4', 'no-extension-\\xFF', 'ordner-\\xFC']) {
        expect(told(files, inArchive('names', name))).toMatchObject({
          outcome: 'failed',
          code: 'FILE_NAME_INVALID',
        });
      }
      expect(job.progress).toMatchObject({ filesFailed: 4, filesOther: 1, filesTotal: names.length + 4 });
    },
  );
});

describe('a file that does not stay as it is', () => {
  it('fails alone when it vanishes or is replaced, before it is read or while it is decoded', async () => {
    const changing = [
      'vanishes-after-scan.mp4',
      'pipe-after-scan.mp4',
      'vanishes-while-decoded.mp4',
      'replaced-while-decoded.mp4',
    ];
    const bytes = Buffer.alloc(64);
    for (const [i, name] of changing.entries()) {
      const file = await workspace.addSample(SHORT, name);
      // A content of its own: an MP4 may be followed by anything.
      await writeFile(file, bytes.fill(i + 1), { flag: 'a' });
    }
    const replacement = path.join(workspace.root, 'replacement');
    await copyFile(inArchive('vanishes-after-scan.mp4'), replacement);
    const time = new Date('2024-01-02T03:04:05Z');
    for (const file of [replacement, inArchive('replaced-while-decoded.mp4')]) await utimes(file, time, time);
    await workspace.addSample(OTHER, 'stays.mp4');
    const submitted = await cliptrace.jobs.submit({
      type: 'index',
      paths: [...changing, 'stays.mp4'].map((name) => inArchive(name)),
      collection: 'changing',
      labelFrom: null,
      prune: false,
    });
    let scanned = false;
    const unsubscribe = cliptrace.jobs.subscribe(submitted.id, () => {
      if (scanned) return;
      scanned = true;
      rmSync(inArchive('vanishes-after-scan.mp4'));
      execFileSync('mkfifo', [inArchive('pipe')]);
      renameSync(inArchive('pipe'), inArchive('pipe-after-scan.mp4'));
    });
    const job = await cliptrace.jobs.run(submitted);
    unsubscribe();
    await rm(inArchive('pipe-after-scan.mp4'));
    const files = await cliptrace.library.jobFiles(job.id);
    const codes = Object.fromEntries(
      files.map((file) => [path.basename(file.path), file.code ?? file.outcome]),
    );
    expect(codes).toEqual({
      'vanishes-after-scan.mp4': 'FILE_NOT_FOUND',
      'pipe-after-scan.mp4': 'FILE_NOT_READABLE',
      'vanishes-while-decoded.mp4': 'FILE_NOT_FOUND',
      'replaced-while-decoded.mp4': 'FILE_CHANGED',
      'stays.mp4': 'indexed',
    });
    // The replaced one is whole now, and is taken the next time.
    const again = await indexInto(cliptrace, [inArchive('replaced-while-decoded.mp4')], {
      collection: 'changing',
    });
    expect(again.files.map((file) => file.outcome)).toEqual(['indexed']);
  });

  it('is indexed as it is when its turn comes, though it was changed since the scan', async () => {
    const file = await workspace.addSample(SHORT, 'late/late.mp4');
    const submitted = await cliptrace.jobs.submit({
      type: 'index',
      paths: [inArchive('late')],
      collection: 'late',
      labelFrom: null,
      prune: false,
    });
    const unsubscribe = cliptrace.jobs.subscribe(submitted.id, () => {
      unsubscribe();
      rmSync(file);
      renameSync(inArchive('stays.mp4'), file);
    });
    await cliptrace.jobs.run(submitted);
    expect((await cliptrace.library.jobFiles(submitted.id))[0]?.outcome).toBe('indexed');
    const again = await indexInto(cliptrace, [inArchive('late')], { collection: 'late' });
    expect(again.outcomeOf(file)).toBe('unchanged');
  });
});

/** Root reads everything: for the time of `work`, this process is nobody. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return work();
  process.seteuid?.(65534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}

describe.runIf(onPosix)('what may not be read', () => {
  it('is named, a folder or a file, and the rest is found', async () => {
    const root = inArchive('closed');
    const good = await workspace.addSample(SHORT, 'closed/good.mp4');
    const file = await workspace.addSample(SHORT, 'closed/locked.mp4');
    await mkdir(path.join(root, 'folder'), { mode: 0 });
    await workspace.addSample(SHORT, 'closed/listed-only/inside.mp4');
    await chmod(workspace.root, 0o755);
    await chmod(file, 0);
    await chmod(path.join(root, 'listed-only'), 0o444);
    const scan = await asNobody(() => scanArchive({ roots: [root], exclude: [] }));
    const { files } = await asNobody(() => indexInto(cliptrace, [root]));
    await chmod(path.join(root, 'listed-only'), 0o755);
    await chmod(path.join(root, 'folder'), 0o755);
    expect(scan.files.map((one) => one.path)).toEqual([good, file]);
    expect(scan.failures.map((one) => [one.path, one.error.code])).toEqual([
      [path.join(root, 'folder'), 'FILE_NOT_READABLE'],
      [path.join(root, 'listed-only', 'inside.mp4'), 'FILE_NOT_READABLE'],
    ]);
    expect(told(files, good).outcome).toBe('duplicate');
    expect(told(files, file)).toMatchObject({ outcome: 'failed', code: 'FILE_NOT_READABLE' });
  });
});
