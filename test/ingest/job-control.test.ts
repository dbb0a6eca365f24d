import { copyFile, readdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenedCliptrace } from '../../index/cliptrace.js';
import type { JobEvent } from '../../index/ingest/types.js';
import type { Job, JobRequest } from '../../index/library/types.js';
import { ffmpeg } from '../fixtures/videos.js';
import { wrapFfmpeg } from '../helpers/ffmpeg-wrapper.js';
import { createWorkspace, SAMPLES_FOLDER } from '../helpers/workspace.js';
import { until } from '../server/tools/http.js';

const SAMPLES = ['nasa-13013.mp4', 'people-detection.mp4', 'classroom.mp4'];

let workspace: ReturnType<typeof createWorkspace>;
let cliptrace: OpenedCliptrace;
let request: Extract<JobRequest, { type: 'index' }>;

beforeEach(async () => {
  workspace = createWorkspace();
  const [long, ...short] = SAMPLES as [string, ...string[]];
  for (const sample of short) await workspace.addSample(sample);
  // Too large to share a process with the others, and far from done when they are.
  const target = `${workspace.archive}/z-long.mp4`;
  await ffmpeg('-stream_loop', '3', '-i', `${SAMPLES_FOLDER}/${long}`, '-c', 'copy', target);
  request = {
    type: 'index',
    paths: [workspace.archive],
    collection: 'default',
    labelFrom: null,
    prune: false,
  };
  cliptrace = await workspace.open();
});

afterEach(async () => {
  await cliptrace.close();
  workspace.remove();
});

/** Collects the events of a job; `file` resolves when one file is finished. */
function listen(jobId: number): { events: JobEvent[]; file: Promise<void> } {
  const events: JobEvent[] = [];
  const file = new Promise<void>((resolve) => {
    cliptrace.jobs.subscribe(jobId, (event) => {
      events.push(event);
      if (event.type === 'file') resolve();
    });
  });
  return { events, file };
}

async function cliJson<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await workspace.cli([...args, '--json']);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as T;
}

/** An ffmpeg that takes its time, so that a job is not over before another process has come to control it. */
const slowFfmpeg = async () => ({
  FFMPEG_PATH: await wrapFfmpeg(`${workspace.root}/slow-ffmpeg`, 'sleep 3'),
});

const statusOf = async (id: number) => (await cliptrace.library.getJob(id))?.status;

describe('a job', () => {
  it('stays paused over a restart, lets others go before, and goes on where it was', async () => {
    await cliptrace.jobs.start();
    const { id } = await cliptrace.jobs.submit(request);
    const first = listen(id);
    await first.file;
    const paused = await cliptrace.jobs.pause(id);
    expect(paused).toMatchObject({ status: 'paused', wanted: null, endedAt: null });
    expect(paused.progress).toMatchObject({ filesInHand: [], currentFile: null, etaSeconds: null });
    expect((await cliptrace.jobs.pause(id)).status).toBe('paused');
    expect(paused.progress.segments).toBe(
      await cliptrace.library.countSegments(cliptrace.encoder.manifest.id),
    );
    const finished = await cliptrace.library.jobFiles(id);
    expect(finished.length).toBeGreaterThan(0);
    expect(finished.length).toBeLessThan(SAMPLES.length);
    await cliptrace.close();

    cliptrace = await workspace.open();
    const second = listen(id);
    await cliptrace.jobs.start();
    const other = await cliptrace.jobs.submit({ ...request, paths: [finished[0]?.path as string] });
    expect((await cliptrace.jobs.wait(other.id)).status).toBe('done');
    expect(await statusOf(id)).toBe('paused');

    expect((await cliptrace.jobs.resume(id)).endedAt).toBeNull();
    const ended = await cliptrace.jobs.wait(id);
    expect(ended).toMatchObject({ status: 'done', startedAt: paused.startedAt });
    const videos = (await cliptrace.library.listVideos({ limit: 10 })).videos;
    const seconds = videos.reduce((sum, video) => sum + video.durationSeconds, 0);
    expect(ended.progress).toMatchObject({
      filesTotal: 3,
      filesDone: 3,
      filesSkipped: 0,
      segments: videos.reduce((sum, video) => sum + video.segmentCount, 0),
      durationIsEstimate: false,
    });
    expect(ended.progress.videoSeconds).toBeCloseTo(seconds, 3);
    expect(ended.progress.durationDoneSeconds).toBeCloseTo(seconds, 3);
    expect(ended.progress.durationTotalSeconds).toBeCloseTo(seconds, 3);
    const files = await cliptrace.library.jobFiles(id);
    expect(files.map(({ outcome }) => outcome)).toEqual(['indexed', 'indexed', 'indexed']);

    const told = [...first.events, ...second.events];
    const numbers = told.map((event) => event.job.lastEvent);
    // The one state that a listener is told anew when it comes back has the number that it had.
    expect([...new Set(numbers)]).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect(told.filter(({ type }) => type === 'file')).toHaveLength(3);
    expect(told.at(-1)).toMatchObject({ type: 'end', job: { lastEvent: ended.lastEvent } });
  });

  it('that failed can be resumed when the cause is gone; one that ended otherwise cannot', async () => {
    await cliptrace.jobs.start();
    const missing = `${workspace.archive}/later.mp4`;
    const { id } = await cliptrace.jobs.submit({ ...request, paths: [missing] });
    expect(await cliptrace.jobs.wait(id)).toMatchObject({
      status: 'failed',
      error: { code: 'FILE_NOT_FOUND' },
    });
    await workspace.addSample('classroom.mp4', 'later.mp4');
    expect(await cliptrace.jobs.resume(id)).toMatchObject({ error: null, endedAt: null });
    expect(await cliptrace.jobs.wait(id)).toMatchObject({ status: 'done', progress: { filesDone: 1 } });
    for (const command of ['pause', 'resume', 'cancel'] as const) {
      await expect(cliptrace.jobs[command](id)).rejects.toMatchObject({ code: 'JOB_ALREADY_ENDED' });
    }
    await expect(cliptrace.jobs.pause(99)).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
  });
});

it('a cancelled upload leaves no file, whether it was queued, running, of another process or of a killed one', async () => {
  const { mediaFolder } = cliptrace.dataFolder;
  const upload = async (name: string) => {
    const file = `${mediaFolder}/${name}`;
    await copyFile(`${workspace.archive}/z-long.mp4`, file);
    return { type: 'upload', path: file, collection: 'default', title: name, label: null } as const;
  };
  await cliptrace.jobs.start();
  const running = await cliptrace.jobs.submit(await upload('running'));
  const queued = await cliptrace.jobs.submit(await upload('queued'));
  const others = await cliptrace.jobs.submit(await upload('others'));
  await until('the upload to run', async () => (await cliptrace.jobs.get(running.id)).status === 'running');
  expect((await cliptrace.jobs.cancel(queued.id)).status).toBe('cancelled');
  expect((await cliptrace.jobs.cancel(running.id)).status).toBe('cancelled');
  expect(await readdir(mediaFolder)).toEqual(['others']);
  await cliJson('jobs', 'cancel', String(others.id));
  expect(await readdir(mediaFolder)).toEqual([]);
  const abandoned = await cliptrace.library.createJob(await upload('abandoned'));
  await cliptrace.library.updateJob(abandoned.id, { status: 'running' });
  await cliptrace.close();
  expect(await readdir(mediaFolder)).toEqual(['abandoned']);
  expect(await cliJson<Job>('jobs', 'cancel', String(abandoned.id))).toMatchObject({ status: 'cancelled' });
  expect(await readdir(mediaFolder)).toEqual([]);
  cliptrace = await workspace.open();
});

describe('cliptrace jobs', () => {
  it('pauses, resumes and cancels what another process runs or has queued', async () => {
    await cliptrace.close();
    cliptrace = await workspace.open('write', await slowFfmpeg());
    await cliptrace.jobs.start();
    const running = await cliptrace.jobs.submit(request);
    const queued = await cliptrace.jobs.submit({ ...request, collection: 'second' });
    const { events } = listen(running.id);
    const ended = cliptrace.jobs.wait(queued.id);
    expect(await cliJson<Job>('jobs', 'cancel', String(queued.id))).toMatchObject({ status: 'cancelled' });
    expect((await ended).status).toBe('cancelled');
    expect(await cliJson<Job>('jobs', 'pause', String(running.id))).toMatchObject({ status: 'paused' });
    expect(await statusOf(running.id)).toBe('paused');
    const listed = await cliJson<{ jobs: Job[] }>('jobs');
    expect(listed.jobs.map(({ id, status }) => [id, status])).toEqual([
      [queued.id, 'cancelled'],
      [running.id, 'paused'],
    ]);
    expect(await cliJson<Job>('jobs', 'resume', String(running.id))).toMatchObject({ status: 'queued' });
    expect((await cliptrace.jobs.wait(running.id)).status).toBe('done');
    // Also what another process did was told here.
    expect(events.map(({ job }) => job.status)).toEqual(
      expect.arrayContaining(['running', 'paused', 'done']),
    );
    const shown = await workspace.cli(['jobs', 'show', String(running.id)]);
    expect(shown.stdout).toMatch(/status\s+done/);
    expect(shown.stdout).toContain('3 of 3 files');
  });

  it('settles a job that a killed process left running, and runs it', async () => {
    await cliptrace.close();
    await workspace.cli(['index', workspace.archive], { killWhen: /^indexed/m });
    const { id, status } = (await cliJson<{ jobs: Job[] }>('jobs')).jobs[0] as Job;
    expect(status).toBe('running');
    const nobody = /No process works on this data folder/;
    const followed = await workspace.cli(['jobs', 'follow', String(id)], { killWhen: nobody });
    expect(followed.stderr).toMatch(nobody);
    expect(await cliJson<Job>('jobs', 'pause', String(id))).toMatchObject({ status: 'paused' });
    cliptrace = await workspace.open();
    await cliptrace.library.updateJob(id, { status: 'running' });
    await cliptrace.close();
    const resumed = await workspace.cli(['jobs', 'resume', String(id)]);
    expect(resumed.stdout).toContain(`Job ${id} is queued`);
    expect(resumed.stderr).toMatch(nobody);
    expect(await cliJson<Job>('jobs', 'pause', String(id))).toMatchObject({ status: 'paused' });
    const none = await workspace.cli(['jobs', 'run']);
    expect(none.stdout).toContain('No job is queued');
    const { jobs } = await cliJson<{ jobs: { counts: Record<string, number> }[] }>('jobs', 'run', String(id));
    const { indexed = 0, unchanged = 0, failed } = jobs[0]?.counts ?? {};
    // A video that was committed in the kill's last moment, and not yet told of, is found unchanged.
    expect({ both: indexed + unchanged, failed }).toEqual({ both: 3, failed: 0 });
    expect(unchanged).toBeLessThan(3);
    cliptrace = await workspace.open();
  });

  it('reaches an index command, which waits while it is paused', async () => {
    await cliptrace.close();
    let asked = false;
    const indexing = workspace.cli(['index', workspace.archive, '--json'], {
      env: await slowFfmpeg(),
      onStderr: (text) => {
        asked ||= text.includes('is paused');
      },
    });
    const { id } = await until(
      'the job to run',
      async () => {
        const { code, stdout } = await workspace.cli(['jobs', '--json']);
        const job = code === 0 && (JSON.parse(stdout) as { jobs: Job[] }).jobs[0];
        return job !== undefined && job !== false && job.status === 'running' && job;
      },
      30_000,
    );
    expect(await cliJson<Job>('jobs', 'pause', String(id))).toMatchObject({ status: 'paused' });
    await until('the command to say so', () => asked);
    expect(await cliJson<Job>('jobs', 'resume', String(id))).toMatchObject({ wanted: null });
    const { code, stdout, stderr } = await indexing;
    expect(code).toBe(0);
    expect(stderr).toContain(`Job ${id} goes on`);
    expect(JSON.parse(stdout)).toMatchObject({ jobId: id, counts: { indexed: 3 } });
    cliptrace = await workspace.open();
  });
});
