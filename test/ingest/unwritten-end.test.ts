import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenedCliptrace } from '../../index/cliptrace.js';
import { CliptraceError } from '../../index/errors.js';
import type { Job, JobRequest, Library } from '../../index/library/types.js';
import { createWorkspace, PROJECT_ROOT, type Workspace } from '../helpers/workspace.js';
import { until } from '../server/tools/http.js';

let workspace: Workspace;
let cliptrace: OpenedCliptrace;
let request: Extract<JobRequest, { type: 'index' }>;

beforeEach(async () => {
  workspace = createWorkspace();
  request = {
    ...{ type: 'index', collection: 'default', labelFrom: null, prune: false },
    paths: [await workspace.addSample('classroom.mp4')],
  };
  cliptrace = await workspace.open();
});
afterEach(async () => {
  await cliptrace.close();
  workspace.remove();
});

/** Refuses so many writes of an end, as a full disk does. */
function refuseEnds(library: Library, count: number): void {
  const real = library.updateJob.bind(library);
  let left = count;
  library.updateJob = async (id, change) => {
    const isEnd = change.status === 'done' || change.status === 'failed';
    if (isEnd && left-- > 0) throw new CliptraceError('DISK_FULL', 'database or disk is full');
    return real(id, change);
  };
}

/** A program of someone else's; nothing keeps it alive but what it awaits. */
async function runScript(script: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: PROJECT_ROOT });
  const code = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

const status = async (id: number) => (await cliptrace.library.getJob(id))?.status;

/** As a full disk left it. */
async function stopForRoom(asked: JobRequest): Promise<Job> {
  const { library } = cliptrace;
  const { id } = await library.createJob(asked);
  const error = { code: 'DISK_FULL', message: 'full' };
  await library.updateJob(id, { status: 'failed', error, endedAt: '2026-01-01T00:00:00.000Z', lastEvent: 2 });
  return (await library.getJob(id)) as Job;
}

describe('a job whose end cannot be written', () => {
  it.each([1, 4])(
    'for want of room ends as failed, %i writes refused, and goes on by itself',
    async (refused) => {
      const { jobs, library } = cliptrace;
      refuseEnds(library, refused);
      await jobs.start();
      const { id } = await jobs.submit(request);
      const full = { status: 'failed', error: { code: 'DISK_FULL' } };
      expect(await jobs.wait(id)).toMatchObject(full);
      expect(await jobs.get(id)).toMatchObject(full);
      await until('it to be written', async () => (await status(id)) === 'failed');
      const second = await jobs.submit({ ...request, prune: true });
      await until('it to go on', async () => (await status(id)) === 'done');
      expect(await jobs.wait(second.id)).toMatchObject({ status: 'done' });
    },
  );

  it('for another reason ends as failed, and as such in the library as soon as that can be', async () => {
    const { jobs, library } = cliptrace;
    const other = new Database(cliptrace.dataFolder.databaseFile);
    other.exec(
      `CREATE TRIGGER refuse BEFORE UPDATE ON jobs WHEN new.status IN ('done', 'failed')
       BEGIN SELECT RAISE(ABORT, 'refused'); END`,
    );
    await jobs.start();
    const { id } = await jobs.submit(request);
    expect(await jobs.wait(id)).toMatchObject({ status: 'failed' });
    expect(await status(id)).toBe('running');
    other.exec('DROP TRIGGER refuse');
    other.close();
    await until('it to be written', async () => (await status(id)) === 'failed');
    expect(await library.getJob(id)).toMatchObject({ error: { code: expect.any(String) } });
    const second = await jobs.submit(request);
    expect(await jobs.wait(second.id)).toMatchObject({ status: 'done' });
  });

  it('can be cancelled meanwhile', async () => {
    const { jobs } = cliptrace;
    refuseEnds(cliptrace.library, 2);
    await jobs.start();
    const { id } = await jobs.submit(request);
    await jobs.wait(id);
    expect(await jobs.cancel(id)).toMatchObject({ status: 'cancelled', error: null });
    const second = await jobs.submit(request);
    expect(await jobs.wait(second.id)).toMatchObject({ status: 'done' });
    expect(await status(id)).toBe('cancelled');
  });
});

describe('jobs that a full disk stopped before a start', () => {
  it('go on at once, in their turn, and those behind them as well', async () => {
    const { jobs, library } = cliptrace;
    const stopped = [await stopForRoom(request), await stopForRoom({ ...request, collection: 'other' })];
    const later = await library.createJob({ ...request, prune: true });
    const begunAtMs = performance.now();
    await jobs.start();
    for (const { id } of [...stopped, later]) expect(await jobs.wait(id)).toBeDefined();
    for (const { id } of [...stopped, later]) {
      await until(`job ${id} to be done`, async () => (await status(id)) === 'done');
    }
    expect(performance.now() - begunAtMs).toBeLessThan(60_000);
  });

  it('stay as they are when cancelled, or asked for again', async () => {
    const { jobs } = cliptrace;
    const [cancelled, superseded] = [
      await stopForRoom(request),
      await stopForRoom({ ...request, prune: true }),
    ];
    expect(await jobs.cancel(cancelled.id)).toMatchObject({ status: 'cancelled', error: null });
    await expect(jobs.cancel(cancelled.id)).rejects.toMatchObject({ code: 'JOB_ALREADY_ENDED' });
    const again = await jobs.submit({ ...request, prune: true });
    await jobs.start();
    expect(await jobs.wait(again.id)).toMatchObject({ status: 'done' });
    expect([await status(cancelled.id), await status(superseded.id)]).toEqual(['cancelled', 'failed']);
  });
});

it('a program that queues a job right after the start lives until the job is done', async () => {
  const { code, stdout, stderr } = await runScript(`
    import { openCliptrace } from './dist/index/cliptrace.js';
    import { readSettings } from './dist/index/settings.js';
    const data = ${JSON.stringify(`${workspace.root}/of-its-own`)};
    const cliptrace = await openCliptrace({ settings: readSettings(process.env, { data }), env: process.env, mode: 'write' });
    await cliptrace.jobs.start();
    const { id } = await cliptrace.jobs.submit(${JSON.stringify(request)});
    console.log((await cliptrace.jobs.wait(id)).status);
    await cliptrace.close();
  `);
  expect([code, stdout, stderr]).toEqual([0, 'done\n', '']);
});
