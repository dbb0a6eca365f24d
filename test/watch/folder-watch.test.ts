import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenedCliptrace } from '../../index/cliptrace.js';
import type { Job, JobFile, Video } from '../../index/library/types.js';
import { FolderWatch, type FolderWatchParts } from '../../index/watch/folder-watch.js';
import { ffmpeg } from '../fixtures/videos.js';
import { createWorkspace, PROJECT_ROOT } from '../helpers/workspace.js';
import { until } from '../server/tools/http.js';

const SETTLE_MS = 700;
const WAIT_MS = 60_000;

let workspace: ReturnType<typeof createWorkspace>;
let cliptrace: OpenedCliptrace;
let watch: FolderWatch | null = null;

beforeEach(async () => {
  workspace = createWorkspace();
  await mkdir(workspace.archive);
  cliptrace = await workspace.open();
  await cliptrace.jobs.start();
});

afterEach(async () => {
  await watch?.stop();
  watch = null;
  await cliptrace.close();
  workspace.remove();
});

async function follow(
  options: Partial<
    Pick<FolderWatchParts, 'listen' | 'rescanMs' | 'prune' | 'settleMs' | 'exclude' | 'onProblem'>
  > = {},
): Promise<void> {
  watch = new FolderWatch({
    roots: [workspace.archive],
    collection: 'default',
    labelFrom: null,
    prune: options.prune ?? true,
    library: cliptrace.library,
    jobs: cliptrace.jobs,
    modelId: cliptrace.encoder.manifest.id,
    exclude: options.exclude ?? [cliptrace.dataFolder.root],
    settleMs: options.settleMs ?? SETTLE_MS,
    rescanMs: options.rescanMs ?? 3_600_000,
    listen: options.listen,
    onProblem: options.onProblem,
  });
  await watch.start();
}

/** What a watch of before, which has ended, asked for. */
function createJobOfBefore(name: string): Promise<Job> {
  const request = { type: 'index', collection: 'default', labelFrom: null, prune: true } as const;
  const roots = [workspace.archive];
  return cliptrace.library.createJob({ ...request, paths: [inArchive(name)], roots });
}

const inArchive = (...names: string[]) => path.join(workspace.archive, ...names);

/** A small video; another size, another content. */
async function makeVideo(file: string, width = 64): Promise<void> {
  const source = `testsrc2=s=${width}x48:r=10:d=2`;
  await ffmpeg('-f', 'lavfi', '-i', source, '-c:v', 'mpeg4', '-f', 'mp4', file);
}

async function videos(): Promise<Video[]> {
  return (await cliptrace.library.listVideos({ limit: 100 })).videos;
}

/** What became of a file, each time that a job told of it. */
async function told(file: string): Promise<JobFile[]> {
  const found: JobFile[] = [];
  for (const job of (await cliptrace.library.listJobs(100)).reverse()) {
    found.push(...(await cliptrace.library.jobFiles(job.id)).filter((one) => one.path === file));
  }
  return found;
}

const outcomeOf = async (file: string) => (await told(file)).at(-1)?.outcome;
const becomes = (file: string, outcome: string) =>
  until(`${file} to be ${outcome}`, async () => (await outcomeOf(file)) === outcome, WAIT_MS);

describe('following a folder', () => {
  it('begins although the first look fails, and tells why', async () => {
    await makeVideo(inArchive('a.mp4'));
    const problems: string[] = [];
    // Of a library that does not answer once, as where too many files are open.
    const { library } = cliptrace;
    const real = library.staleVideos.bind(library);
    let looks = 0;
    library.staleVideos = async (modelId) => {
      looks += 1;
      if (looks === 1) throw new Error('EMFILE: too many open files');
      return real(modelId);
    };
    await follow({ listen: false, rescanMs: 500, onProblem: ({ message }) => problems.push(message) });
    await becomes(inArchive('a.mp4'), 'indexed');
    expect(problems).toEqual([expect.stringContaining('EMFILE')]);
  });

  it('takes in what is there, new, changed, moved and deleted, below new folders too', async () => {
    await makeVideo(inArchive('old.mp4'));
    await writeFile(inArchive('notes.txt'), 'no video, and does not claim it');
    await follow();
    await becomes(inArchive('old.mp4'), 'indexed');

    await mkdir(inArchive('deep', 'er'), { recursive: true });
    await makeVideo(inArchive('deep', 'er', 'new.mp4'), 80);
    await becomes(inArchive('deep', 'er', 'new.mp4'), 'indexed');
    const { id } = (await videos()).find((video) => video.title === 'new') as Video;

    await rename(inArchive('deep'), inArchive('moved'));
    await becomes(inArchive('moved', 'er', 'new.mp4'), 'moved');
    expect((await cliptrace.library.filesOf(id)).map((file) => file.path)).toEqual([
      inArchive('moved', 'er', 'new.mp4'),
    ]);

    await makeVideo(inArchive('old.mp4'), 96);
    await becomes(inArchive('old.mp4'), 'updated');
    await writeFile(inArchive('bad.mp4'), 'it claims to be a video');
    await becomes(inArchive('bad.mp4'), 'failed');

    await rm(inArchive('moved'), { recursive: true });
    await becomes(inArchive('moved', 'er', 'new.mp4'), 'pruned');
    // Videos without a file go at the end of the job.
    await until('the video to go', async () => (await videos()).length === 1, WAIT_MS);
    expect((await videos()).map((video) => video.title)).toEqual(['old']);
    expect(await cliptrace.index.size()).toBe(
      await cliptrace.library.countSegments(cliptrace.encoder.manifest.id),
    );
    // Each was told of once: nothing is tried again that has not changed.
    expect(await told(inArchive('bad.mp4'))).toHaveLength(1);
    expect(await told(inArchive('notes.txt'))).toEqual([]);
  });

  it('follows recordings that are rotated, each under the name of the one before', async () => {
    const numbers = [1, 2, 3, 4, 5];
    const place = (number: number) => inArchive(`rec.${number}.mp4`);
    for (const number of numbers) await makeVideo(place(number), 64 + 16 * number);
    await follow();
    for (const number of numbers) await becomes(place(number), 'indexed');
    const ids = async () => {
      const found: number[] = [];
      for (const number of numbers) {
        found.push((await cliptrace.library.findFile('default', place(number)))?.videoId as number);
      }
      return found;
    };
    const before = await ids();
    await makeVideo(path.join(workspace.root, 'fresh.mp4'), 48);
    for (const number of [4, 3, 2, 1]) {
      await rename(place(number), place(number + 1));
      // Spread over several looks at what settles.
      await sleep(SETTLE_MS / 16);
    }
    await rename(path.join(workspace.root, 'fresh.mp4'), place(1));
    for (const number of [2, 3, 4, 5]) await becomes(place(number), 'moved');
    await until('the new one to be known', async () => (await videos()).length === 5, WAIT_MS);
    expect((await ids()).slice(1)).toEqual(before.slice(0, 4));
    expect(before).not.toContain((await ids())[0]);
  });

  it('waits for a file until it has stopped growing, and then indexes all of it once', async () => {
    await follow();
    await makeVideo(path.join(workspace.root, 'whole.mp4'));
    const bytes = await readFile(path.join(workspace.root, 'whole.mp4'));
    const growing = inArchive('growing.mp4');
    const parts = 10;
    for (let part = 0; part < parts; part += 1) {
      const from = Math.floor((part * bytes.length) / parts);
      await appendFile(growing, bytes.subarray(from, Math.floor(((part + 1) * bytes.length) / parts)));
      // Slow, but never still for as long as a file has to be.
      await sleep(SETTLE_MS / 3);
      expect(await told(growing)).toEqual([]);
    }
    await becomes(growing, 'indexed');
    expect(await told(growing)).toHaveLength(1);
    const [video] = await videos();
    expect(video).toMatchObject({ sizeBytes: bytes.length, damaged: false });
    expect(video?.durationSeconds).toBeCloseTo(2, 1);
  });

  it('needs nothing but looks from time to time where the system tells nothing', async () => {
    await follow({ listen: false, rescanMs: 400 });
    await makeVideo(inArchive('a.mp4'));
    await becomes(inArchive('a.mp4'), 'indexed');
    await rename(inArchive('a.mp4'), inArchive('b.mp4'));
    await becomes(inArchive('b.mp4'), 'moved');
    await rm(inArchive('b.mp4'));
    await becomes(inArchive('b.mp4'), 'pruned');
    await until('the video to go', async () => (await videos()).length === 0, WAIT_MS);
  });

  it('forgets nothing when the disk is taken away, or not there at the start', async () => {
    await makeVideo(inArchive('a.mp4'));
    await follow({ rescanMs: 400 });
    await becomes(inArchive('a.mp4'), 'indexed');
    const away = `${workspace.archive}-away`;
    await rename(workspace.archive, away);
    await sleep(SETTLE_MS * 3);
    await mkdir(workspace.archive);
    await sleep(SETTLE_MS * 3);
    expect(await videos()).toHaveLength(1);
    await watch?.stop();

    await follow({ rescanMs: 400 });
    await sleep(SETTLE_MS * 3);
    expect(await videos()).toHaveLength(1);
    await rm(workspace.archive, { recursive: true });
    await rename(away, workspace.archive);
    await makeVideo(inArchive('b.mp4'), 80);
    await becomes(inArchive('b.mp4'), 'indexed');
    expect(await videos()).toHaveLength(2);
    expect(await told(inArchive('a.mp4'))).toHaveLength(1);
  });

  it('keeps videos whose files are deleted when told so', async () => {
    await makeVideo(inArchive('a.mp4'));
    await makeVideo(inArchive('b.mp4'), 80);
    await follow({ prune: false, rescanMs: 400 });
    await becomes(inArchive('b.mp4'), 'indexed');
    await rm(inArchive('b.mp4'));
    await becomes(inArchive('b.mp4'), 'missing');
    await sleep(SETTLE_MS * 4);
    expect(await videos()).toHaveLength(2);
    // Told once, however often everything is looked through.
    expect((await told(inArchive('b.mp4'))).map(({ outcome }) => outcome)).toEqual(['indexed', 'missing']);
  });

  it('takes a link to a deleted file, and a folder or a text in the place of a video, for a deletion', async () => {
    const linked = path.join(workspace.root, 'linked.mp4');
    await makeVideo(linked);
    await symlink('../linked.mp4', inArchive('link.mp4'));
    await makeVideo(inArchive('folder.mp4'), 80);
    await makeVideo(inArchive('no-extension'), 96);
    await makeVideo(inArchive('kept.mp4'), 112);
    await follow({ rescanMs: 400 });
    await until('four videos', async () => (await videos()).length === 4, WAIT_MS);

    await rm(linked);
    await becomes(inArchive('link.mp4'), 'pruned');
    await rm(inArchive('folder.mp4'));
    await mkdir(inArchive('folder.mp4'));
    await becomes(inArchive('folder.mp4'), 'pruned');
    await writeFile(inArchive('no-extension'), 'no longer a video');
    await becomes(inArchive('no-extension'), 'pruned');
    await until('the videos to go', async () => (await videos()).length === 1, WAIT_MS);
    expect((await videos()).map((video) => video.title)).toEqual(['kept']);
    await sleep(SETTLE_MS * 3);
    for (const name of ['link.mp4', 'folder.mp4', 'no-extension']) {
      expect((await told(inArchive(name))).map(({ outcome }) => outcome)).toEqual(['indexed', 'pruned']);
    }
  });

  it('takes nothing from a data folder below it that is known by another path', async () => {
    await mkdir(inArchive('data', 'tmp'), { recursive: true });
    const link = path.join(workspace.root, 'link');
    await symlink(inArchive('data'), link);
    await follow({ exclude: [link] });
    await makeVideo(inArchive('data', 'tmp', 'received.mp4'), 80);
    await sleep(SETTLE_MS);
    await makeVideo(inArchive('later.mp4'));
    await becomes(inArchive('later.mp4'), 'indexed');
    expect((await videos()).map((video) => video.title)).toEqual(['later']);
    expect(await told(inArchive('data', 'tmp', 'received.mp4'))).toEqual([]);
  });

  it('leaves to a paused job what that is to index, until it is resumed or cancelled', async () => {
    for (const [i, name] of ['resumed.mp4', 'cancelled.mp4', 'free.mp4'].entries()) {
      await makeVideo(inArchive(name), 64 + 16 * i);
    }
    const ids: number[] = [];
    for (const name of ['resumed.mp4', 'cancelled.mp4']) {
      const { id } = await createJobOfBefore(name);
      ids.push((await cliptrace.library.controlJob(id, 'pause')).id);
    }
    // Another try of whatever failed anywhere holds no place.
    const retry = await cliptrace.library.createJob({
      ...{ type: 'index', collection: 'default', labelFrom: null, prune: false, retryFailed: true },
      paths: [path.parse(workspace.archive).root],
    });
    await cliptrace.library.controlJob(retry.id, 'pause');
    await follow();
    await becomes(inArchive('free.mp4'), 'indexed');
    await sleep(SETTLE_MS * 3);
    expect((await videos()).map((video) => video.title)).toEqual(['free']);

    await cliptrace.jobs.cancel(ids[1] as number);
    await cliptrace.jobs.resume(ids[0] as number);
    await becomes(inArchive('resumed.mp4'), 'indexed');
    await sleep(SETTLE_MS * 4);
    expect(await told(inArchive('resumed.mp4'))).toHaveLength(1);
    expect(await told(inArchive('cancelled.mp4'))).toEqual([]);
    await makeVideo(inArchive('cancelled.mp4'), 128);
    await becomes(inArchive('cancelled.mp4'), 'indexed');
  });

  it('leaves no listener behind, however many jobs there were', async () => {
    const warnings: string[] = [];
    const note = ({ name, message }: Error) => warnings.push(`${name}: ${message}`);
    process.on('warning', note);
    try {
      await follow({ settleMs: 100 });
      for (let i = 0; i < 12; i += 1) {
        await writeFile(inArchive(`${i}.mp4`), `no video ${i}`);
        await becomes(inArchive(`${i}.mp4`), 'failed');
      }
    } finally {
      process.off('warning', note);
    }
    expect(warnings).toEqual([]);
  });
});

describe('cliptrace index --watch', () => {
  it('tells each file as a line of JSON, also of a job that goes on, and ends cleanly on Ctrl-C', async () => {
    await cliptrace.jobs.stop();
    await makeVideo(inArchive('a.mp4'));
    await createJobOfBefore('a.mp4');
    await cliptrace.close();
    const args = [
      'index',
      workspace.archive,
      '--watch',
      '--meta',
      'site=north',
      '--settle',
      '0.3',
      '--json',
      '--data',
      workspace.data,
    ];
    const child = spawn(process.execPath, [path.join(PROJECT_ROOT, 'dist/index/cli.js'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
      });
    }
    const closed = once(child, 'close');
    try {
      await until('the first file', () => output.stdout.includes('a.mp4'), WAIT_MS);
      await makeVideo(inArchive('b.mp4'), 80);
      await until('the second file', () => output.stdout.includes('b.mp4'), WAIT_MS);
      child.kill('SIGINT');
      expect(await closed).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
    }
    expect(output.stderr).toContain('a file is indexed when it has not changed for 0.3 s');
    expect(output.stderr).toContain('Stopped following');
    const lines = output.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as JobFile);
    expect(lines.map(({ path: file, outcome }) => [path.basename(file), outcome])).toEqual([
      ['a.mp4', 'indexed'],
      ['b.mp4', 'indexed'],
    ]);
    cliptrace = await workspace.open();
    expect((await cliptrace.opened).how).toBe('loaded');
    const ids = new Map((await videos()).map(({ title, id }) => [title, id]));
    expect([...ids.keys()].sort()).toEqual(['a', 'b']);
    // The job of before was told nothing.
    expect([...(await cliptrace.library.metadataOf([...ids.values()]))]).toEqual([
      [ids.get('b'), { site: 'north' }],
    ]);
  });
});
