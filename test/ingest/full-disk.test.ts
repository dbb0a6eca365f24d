import { existsSync, readdirSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobFile } from '../../index/library/types.js';
import type { SearchAnswer } from '../../index/search/types.js';
import type { JobWithFilesJson } from '../../server/schemas/jobs.js';
import { createFullDisks, type FullDisks, type FullDiskWay, fullDiskWays } from '../helpers/full-disk.js';
import { type Served, serve } from '../helpers/served.js';
import { createWorkspace, SAMPLES_FOLDER, type Workspace } from '../helpers/workspace.js';
import { expectProblem, postForm, postJson, until } from '../server/tools/http.js';

const FIRST = 'people-detection.mp4';
const NEXT = ['car-detection.mp4', 'bottle-detection.mp4', 'classroom.mp4'] as const;
/** Enough that the disk is full before they are done. */
const MANY = [
  'one-by-one-person-detection.mp4',
  'store-aisle-detection.mp4',
  'face-demographics-walking.mp4',
];
const UPLOAD = 'head-pose-face-detection-male.mp4';

const ways = fullDiskWays();
console.info(`A full disk is tried by: ${ways.join(', ') || 'nothing, for neither mount nor cc works here'}`);

/** One way is enough for the suite; TEST_FULL_DISK=preload takes the other. */
describe.each(ways.slice(0, 1))('a full disk, by %s', (way: FullDiskWay) => {
  let workspace: Workspace;
  let disks: FullDisks;
  const below = (name: string) => path.join(workspace.data, name);
  const sample = (name: string) => path.join(SAMPLES_FOLDER, name);
  const run = (...args: string[]) => workspace.cli(args, { env: disks.env });

  beforeAll(async () => {
    workspace = createWorkspace();
    const folders = ['vectors', 'media', 'thumbnails', 'tmp'].map(below);
    disks = createFullDisks(way, [workspace.data, ...folders]);
    await workspace.addSample(FIRST);
    expect((await run('index', workspace.archive)).code).toBe(0);
  });

  afterAll(() => {
    disks.remove();
    workspace.remove();
  });

  /** The video that comes first for each sample, and that nothing is wrong with the data folder. */
  async function expectFound(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const { code, stdout, stderr } = await run('search', sample(name), '-k', '1', '--json');
      expect(code, stderr).toBe(0);
      const [hit] = (JSON.parse(stdout) as SearchAnswer).hits;
      expect(hit?.video.title).toBe(path.parse(name).name);
    }
  }

  async function expectSound(): Promise<void> {
    const { code, stdout } = await run('verify', '--json');
    expect(code, stdout).toBe(0);
  }

  it('stops the indexing before it begins where nothing can be written, and leaves what is there as it is', async () => {
    disks.fill(workspace.data);
    const { code, stderr } = await run('index', workspace.archive, '--collection', 'other');
    disks.free(workspace.data);
    expect([code, stderr]).toEqual([1, expect.stringContaining('DISK_FULL')]);
    await expectFound([FIRST]);
    await expectSound();
  });

  it('stops it midway where the log of the library cannot grow; it goes on when there is room', async () => {
    await workspace.addSample(NEXT[0]);
    disks.fill(workspace.data, 256 * 1024);
    const { code, stdout, stderr } = await run('index', workspace.archive, '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'DISK_FULL' } });
    expect(stderr).toMatch(/DISK_FULL: .*Free some space/);
    disks.free(workspace.data);
    await expectSound();
    const again = await run('index', workspace.archive, '--json');
    expect(again.code, again.stderr).toBe(0);
    const { files } = JSON.parse(again.stdout) as { files: JobFile[] };
    expect(files.map((file) => file.outcome).sort()).toEqual(['indexed', 'unchanged']);
    await expectFound([NEXT[0]]);
  });

  it('stops it where the pictures of a video cannot be written', async () => {
    disks.fill(below('thumbnails'));
    const { code, stderr } = await run('index', workspace.archive, '--collection', 'pictures');
    disks.free(below('thumbnails'));
    expect([code, stderr]).toEqual([1, expect.stringContaining('DISK_FULL')]);
    await expectSound();
  });

  it('stops it where the snapshot of the index cannot be written, and keeps the one that there is', async () => {
    await workspace.addSample(NEXT[1]);
    const before = readdirSync(below('vectors')).sort();
    disks.fill(below('vectors'));
    const { code, stderr } = await run('index', workspace.archive);
    expect([code, stderr]).toEqual([1, expect.stringContaining('DISK_FULL')]);
    disks.free(below('vectors'));
    expect(readdirSync(below('vectors')).sort()).toEqual(before);
    // Nothing is lost without it: the library has every video, and the index follows.
    await expectFound([NEXT[1]]);
    expect((await run('index', workspace.archive)).code).toBe(0);
    expect(readdirSync(below('vectors')).sort()).not.toEqual(before);
    await expectSound();
  });

  it('lets no command that writes do half of its work', async () => {
    // Room for what SQLite's readers share, and for nothing else.
    disks.fill(workspace.data, 36 * 1024);
    for (const args of [
      ['remove', '1'],
      ['relocate', workspace.archive, SAMPLES_FOLDER],
    ]) {
      const { code, stdout, stderr } = await run(...args);
      expect([args[0], code, stderr], stdout).toEqual([args[0], 1, expect.stringContaining('DISK_FULL')]);
    }
    // To look needs no room, and what only deletes makes some.
    await writeFile(below('tmp/cliptrace-pictures-0123456789abcdef'), 'left by a killed process');
    expect((await run('verify')).code).toBe(4);
    expect((await run('verify', '--repair')).code).toBe(5);
    disks.free(workspace.data);
    await expectFound([FIRST]);
    await expectSound();
  });

  it.runIf(way === 'preload')(
    'stops it where only the sidecar of the snapshot cannot be written',
    async () => {
      const file = await workspace.addSample(NEXT[2]);
      const before = readdirSync(below('vectors')).sort();
      disks.fillOnly('.json.tmp');
      const { code, stderr } = await run('index', workspace.archive);
      disks.free('.json.tmp');
      expect([code, stderr]).toEqual([1, expect.stringContaining('DISK_FULL')]);
      expect(readdirSync(below('vectors')).sort()).toEqual(before);
      await expectFound([NEXT[2]]);
      await rm(file);
      expect((await run('index', workspace.archive, '--prune')).code).toBe(0);
    },
  );

  describe('while the server runs', () => {
    let served: Served;

    beforeAll(async () => {
      served = await serve(workspace.data, { ...disks.env, CLIPTRACE_ARCHIVE_ROOTS: workspace.archive });
      await until('the index to be loaded', async () => (await fetch(`${served.api}/readyz`)).ok);
      // Those that a full disk had stopped are tried again by a start.
      await until('the jobs of before to end', async () => {
        const { jobs } = (await (await fetch(`${served.api}/jobs`)).json()) as { jobs: JobWithFilesJson[] };
        return jobs.every((job) => job.endedAt !== null);
      });
    });
    afterAll(async () => {
      expect(await served.stop(), served.stderr()).toBe(0);
    });

    const form = async (field: string, name: string) => {
      const body = new FormData();
      body.set(field, new Blob([await readFile(sample(name))]), name);
      return body;
    };
    const search = async (name: string) => {
      const response = await postForm(`${served.api}/search`, await form('clip', name));
      return { response, answer: response.ok ? ((await response.clone().json()) as SearchAnswer) : null };
    };
    const ended = (id: number) =>
      until('the job to end', async () => {
        const job = (await (await fetch(`${served.api}/jobs/${id}`)).json()) as JobWithFilesJson;
        return job.endedAt !== null && job;
      });

    it('an upload for a search is refused, and leaves nothing behind', async () => {
      disks.fill(below('tmp'));
      await expectProblem((await search(FIRST)).response, 'DISK_FULL');
      disks.free(below('tmp'));
      expect(readdirSync(below('tmp'))).toEqual([]);
      expect((await search(FIRST)).answer?.hits[0]?.video.title).toBe('people-detection');
    });

    // Where uploads and kept files lie on one disk, keeping one takes no room.
    it.runIf(way === 'mount')(
      'an upload that cannot be kept is refused, and leaves nothing behind',
      async () => {
        disks.fill(below('media'));
        await expectProblem(await postForm(`${served.api}/videos`, await form('video', UPLOAD)), 'DISK_FULL');
        disks.free(below('media'));
        expect([...readdirSync(below('tmp')), ...readdirSync(below('media'))]).toEqual([]);
      },
    );

    it('a picture that cannot be kept is told as such, and is made when there is room', async () => {
      const { videos } = (await (await fetch(`${served.api}/videos`)).json()) as { videos: { id: number }[] };
      const address = `${served.api}/videos/${videos[0]?.id}/thumbnail?atSeconds=0.5`;
      // Those that indexing left need no room.
      for (const strip of readdirSync(below('thumbnails'))) await rm(path.join(below('thumbnails'), strip));
      disks.fill(below('thumbnails'));
      await expectProblem(await fetch(address), 'DISK_FULL');
      disks.free(below('thumbnails'));
      const picture = await fetch(address);
      expect([picture.status, picture.headers.get('Content-Type')]).toEqual([200, 'image/jpeg']);
    });

    it('a job stops, searches go on, and the job and what waits behind it go on when there is room', async () => {
      for (const name of [...MANY, NEXT[2]]) await workspace.addSample(name);
      const library = path.join(workspace.data, 'library.sqlite');
      const index = () => postJson(`${served.api}/jobs`, { type: 'index', path: workspace.archive });
      const job = async (id: number) =>
        (await (await fetch(`${served.api}/jobs/${id}`)).json()) as JobWithFilesJson;
      const [{ id }, upload] = [
        (await (await index()).json()) as JobWithFilesJson,
        (await (
          await postForm(`${served.api}/videos`, await form('video', UPLOAD))
        ).json()) as JobWithFilesJson,
      ];
      // At once: neither job is done by then.
      if (way === 'mount') disks.fill(workspace.data);
      else disks.fillOnly(library);
      const full = await until('the disk to be found full', async () => {
        const now = await job(id);
        return now.status === 'failed' && now;
      });
      expect(full.error).toMatchObject({ code: 'DISK_FULL' });
      expect((await job(upload.id)).status).toBe('queued');
      expect((await search(FIRST)).answer?.hits[0]?.video.title).toBe('people-detection');
      disks.free(way === 'mount' ? workspace.data : library);
      // The system shows no more room where it was never full: the job is resumed by hand then.
      if (way === 'preload') await fetch(`${served.api}/jobs/${id}/resume`, { method: 'POST' });
      const done = await until('the job to go on', async () => {
        const now = await job(id);
        return now.status === 'done' && now;
      });
      expect(done).toMatchObject({ outcomes: { failed: 0, missing: 0 }, error: null });
      expect((done.outcomes.indexed ?? 0) + (done.outcomes.unchanged ?? 0)).toBe(done.progress.filesTotal);
      expect(await ended(upload.id)).toMatchObject({ status: 'done', outcomes: { indexed: 1 } });
      expect((await search(NEXT[2])).answer?.hits[0]?.video.title).toBe('classroom');
      expect((await search(UPLOAD)).answer?.hits[0]?.video.title).toBe('head-pose-face-detection-male');
    });
  });

  it('has harmed nothing in the end', async () => {
    expect(existsSync(path.join(workspace.data, 'filler'))).toBe(false);
    await expectFound([NEXT[2]]);
    await expectSound();
  });
});
