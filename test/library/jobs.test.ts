import { describe, expect, it } from 'vitest';
import { openLibrary } from '../../index/library/sqlite-library.js';
import type { JobFile, JobRequest } from '../../index/library/types.js';
import { temporaryLibrary } from './fixtures.js';

const REQUEST: JobRequest = {
  type: 'index',
  paths: ['/archive/a "quoted"\nfolder'],
  collection: 'default',
  labelFrom: 'folder',
  prune: false,
};

const DONE: JobFile = { path: '/a.mp4', outcome: 'indexed', videoId: 1, code: null, message: null };
const FAILED: JobFile = {
  path: '/b.mp4',
  outcome: 'failed',
  videoId: null,
  code: 'NO_FRAMES',
  message: 'none',
};

describe('jobs', () => {
  it('begin queued, are claimed in order, and keep what is changed', async () => {
    const { library } = await temporaryLibrary();
    const first = await library.createJob(REQUEST);
    const second = await library.createJob({ ...REQUEST, collection: 'other' });
    expect(first).toMatchObject({
      request: REQUEST,
      status: 'queued',
      error: null,
      startedAt: null,
      endedAt: null,
    });
    expect(first.progress).toMatchObject({
      filesTotal: null,
      filesDone: 0,
      etaSeconds: null,
      currentFile: null,
    });

    const claimed = await library.claimJob();
    expect(claimed).toMatchObject({ id: first.id, status: 'running', startedAt: expect.any(String) });
    expect(await library.claimJob()).toMatchObject({ id: second.id });
    expect(await library.claimJob()).toBeNull();

    const progress = {
      ...first.progress,
      filesTotal: 4,
      filesDone: 1,
      etaSeconds: 2.5,
      currentFile: '/a.mp4',
    };
    await library.updateJob(first.id, { progress });
    const error = { code: 'INTERNAL', message: 'why' };
    await library.updateJob(second.id, { status: 'failed', error, endedAt: '2026-01-01T00:00:00.000Z' });
    expect(await library.getJob(first.id)).toEqual({ ...claimed, progress });
    expect(await library.getJob(second.id)).toMatchObject({ status: 'failed', error });
    expect((await library.listJobs(10)).map(({ id }) => id)).toEqual([second.id, first.id]);
    expect((await library.listJobs(1)).map(({ id }) => id)).toEqual([second.id]);
    expect((await library.pendingJobs()).map(({ id }) => id)).toEqual([first.id]);
  });

  it('that were running when the program ended are queued again, and nothing else is', async () => {
    const { library, dataFolder } = await temporaryLibrary();
    const [running, queued, done] = [
      await library.createJob(REQUEST),
      await library.createJob(REQUEST),
      await library.createJob(REQUEST),
    ];
    await library.claimJob();
    await library.putJobFile(running.id, DONE, 1);
    await library.updateJob(done.id, { status: 'done' });
    await library.close();

    const again = await openLibrary({ dataFolder, mode: 'write' });
    expect(await again.requeueInterrupted()).toBe(1);
    expect(await again.requeueInterrupted()).toBe(0);
    expect((await again.pendingJobs()).map(({ id, status }) => [id, status])).toEqual([
      [running.id, 'queued'],
      [queued.id, 'queued'],
    ]);
    expect(await again.jobFiles(running.id)).toEqual([DONE]);
    expect(await again.claimJob()).toMatchObject({ id: running.id });
    await again.close();
  });

  it('tell their files in the order of work, once each, and by outcome', async () => {
    const { library } = await temporaryLibrary();
    const job = await library.createJob(REQUEST);
    const other = await library.createJob(REQUEST);
    await library.putJobFile(job.id, FAILED, 1);
    await library.putJobFile(job.id, DONE, 3);
    await library.putJobFile(other.id, DONE, 1);
    expect(await library.jobFiles(job.id)).toEqual([FAILED, DONE]);
    await library.putJobFile(
      job.id,
      { ...FAILED, outcome: 'indexed', videoId: 3, code: null, message: null },
      4,
    );
    expect(await library.jobFiles(job.id, 'failed')).toEqual([]);
    expect((await library.jobFiles(job.id, 'indexed')).map(({ path }) => path)).toEqual(['/a.mp4', '/b.mp4']);
    const numbered = async (after: number, limit: number) =>
      (await library.jobFilesAfter(job.id, after, limit)).map(({ eventNumber }) => eventNumber);
    expect(await numbered(0, 10)).toEqual([3, 4]);
    expect(await numbered(3, 10)).toEqual([4]);
    expect(await numbered(0, 1)).toEqual([3]);
    expect(await library.jobFile(job.id, '/b.mp4')).toMatchObject({ outcome: 'indexed', videoId: 3 });
    expect(await library.jobFile(job.id, '/c.mp4')).toBeNull();
  });

  it('that do not exist are null or refused', async () => {
    const { library } = await temporaryLibrary();
    expect(await library.getJob(5)).toBeNull();
    expect(await library.jobFiles(5)).toEqual([]);
    await expect(library.updateJob(5, { status: 'done' })).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    await expect(library.putJobFile(5, DONE, 1)).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
  });
});
