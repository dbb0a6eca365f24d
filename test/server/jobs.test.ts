import { once } from 'node:events';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVERYONE } from '../../server/access/principal.js';
import { EventStream } from '../../server/http/event-stream.js';
import { feedJobEvents } from '../../server/http/job-feed.js';
import type { JobFileJson, JobJson, JobWithFilesJson } from '../../server/schemas/jobs.js';
import { readEvents, type ServerEvent } from './tools/events.js';
import { expectProblem, postJson, until } from './tools/http.js';
import { type LiveServer, samplePath, startLiveServer } from './tools/live-server.js';

let live: LiveServer;

const statusOf = (event: ServerEvent | undefined) =>
  (event?.data as { job: JobJson } | undefined)?.job.status;

beforeAll(async () => {
  live = await startLiveServer({ videos: [], configuration: { eventHeartbeatMs: 50 } });
  await mkdir(join(live.archive, 'street'));
  await copyFile(samplePath('people-detection'), join(live.archive, 'street', 'people.mp4'));
  await copyFile(samplePath('head-pose-face-detection-male'), join(live.archive, 'street', 'face.mp4'));
  await writeFile(
    join(live.archive, 'street', 'broken.mp4'),
    'no video at all, only text that goes on a little',
  );
  await copyFile(samplePath('people-detection'), join(live.outside, 'secret.mp4'));
  await symlink(live.outside, join(live.archive, 'way-out'));
});

afterAll(() => live.close());

async function start(body: object): Promise<JobJson> {
  const response = await postJson(`${live.api}/jobs`, { type: 'index', ...body });
  const job = (await response.json()) as JobJson;
  expect(response.status, JSON.stringify(job)).toBe(202);
  expect(response.headers.get('Location')).toBe(`/api/v1/jobs/${job.id}`);
  return job;
}

async function get(id: number): Promise<JobWithFilesJson> {
  return (await (await fetch(`${live.api}/jobs/${id}`)).json()) as JobWithFilesJson;
}

async function ended(id: number): Promise<JobWithFilesJson> {
  const hasEnded = async () => {
    const job = await get(id);
    return job.endedAt !== null && job;
  };
  // Generous: it decodes for real, on a machine that may be busy with other tests.
  return until('the job to end', hasEnded, 90_000);
}

function expectAscending(events: readonly ServerEvent[]): void {
  const ids = events.map(({ id }) => Number(id));
  expect(ids.every(Number.isSafeInteger)).toBe(true);
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
}

const pathsOf = (events: readonly ServerEvent[]) =>
  events.flatMap(({ event, data }) => (event === 'file' ? [(data as { file: JobFileJson }).file.path] : []));

describe('a job of many paths, as a watch of folders makes it', () => {
  it('is told with the first of them in lists and events, and with all by itself', async () => {
    const paths = Array.from({ length: 400 }, (_, at) =>
      join(live.archive, 'gone', 'x'.repeat(200), `${at}.mp4`),
    );
    const { jobs } = live.cliptrace;
    const asked = { type: 'index', paths, collection: 'many', labelFrom: null, prune: false } as const;
    const { id } = await jobs.submit(asked);
    const log = await readEvents(await fetch(`${live.api}/jobs/${id}/events`));
    expect(log.hasEnded).toBe(true);
    expect(pathsOf(log.events)).toHaveLength(paths.length);
    const first = { paths: paths.slice(0, 20), pathCount: paths.length };
    for (const { data } of log.events) expect(data).toMatchObject({ job: first });
    const { jobs: listed } = (await (await fetch(`${live.api}/jobs`)).json()) as { jobs: JobJson[] };
    expect(listed.find((job) => job.id === id)).toMatchObject(first);
    expect(await get(id)).toMatchObject({
      paths,
      pathCount: paths.length,
      outcomes: { failed: paths.length },
    });
  });
});

describe('POST /jobs', () => {
  it('indexes a folder, and names each file that failed with its code', async () => {
    const { id } = await start({
      path: join(live.archive, 'street'),
      collection: 'city',
      labelFrom: 'folder',
    });
    const log = await readEvents(await fetch(`${live.api}/jobs/${id}/events`));
    expect(log.hasEnded).toBe(true);
    expect(log.events[0]?.event).toBe('progress');
    expect(log.events.at(-1)?.event).toBe('end');
    expectAscending(log.events);
    expect(log.events.at(-1)?.data).toMatchObject({ job: { id, status: 'done' } });

    const job = await get(id);
    expect(job).toMatchObject({
      status: 'done',
      collection: 'city',
      type: 'index',
      error: null,
      videoId: null,
    });
    expect(job.outcomes).toMatchObject({ indexed: 2, failed: 1 });
    expect(job.failures).toEqual([
      expect.objectContaining({
        path: join(live.archive, 'street', 'broken.mp4'),
        code: 'NOT_A_VIDEO',
        outcome: 'failed',
      }),
    ]);
    const page = (await (await fetch(`${live.api}/videos?collection=city&label=street`)).json()) as {
      totalCount: number;
    };
    expect(page.totalCount).toBe(2);
  });

  it('changes nothing the second time', async () => {
    const { id } = await start({
      path: join(live.archive, 'street'),
      collection: 'city',
      labelFrom: 'folder',
    });
    expect((await ended(id)).outcomes).toMatchObject({ unchanged: 2, indexed: 0, failed: 1 });
  });

  it('is for places below an archive root only', async () => {
    const details = new Set<string>();
    for (const path of [
      '/',
      '/etc',
      '/no/such/place',
      live.outside,
      join(live.archive, '..', 'outside'),
      join(live.archive, 'way-out'),
      join(live.archive, 'way-out', 'secret.mp4'),
    ]) {
      const response = await postJson(`${live.api}/jobs`, { type: 'index', path });
      details.add((await expectProblem(response, 'PATH_OUTSIDE_ARCHIVE')).detail);
    }
    expect(details.size).toBe(1);
    const missing = await postJson(`${live.api}/jobs`, { type: 'index', path: join(live.archive, 'none') });
    await expectProblem(missing, 'FILE_NOT_FOUND');
  });

  it.each([
    [{ type: 'index' }, 'path'],
    [{ type: 'upload', path: '/x' }, 'type'],
    [{ path: '/x' }, 'type'],
    [{ type: 'index', path: 'a\u0000b' }, 'path'],
    [{ type: 'index', path: '/x', labelFrom: 'name' }, 'labelFrom'],
    [{ type: 'index', path: '/x', collection: '' }, 'collection'],
    [{ type: 'index', path: '/x', prune: true }, 'prune'],
    [{ type: 'index', path: ['/x'] }, 'path'],
  ])('refuses %j', async (body, field) => {
    const problem = await expectProblem(await postJson(`${live.api}/jobs`, body), 'REQUEST_INVALID');
    expect(problem.errors?.[0]?.field).toBe(field);
  });
});

describe('a job', () => {
  it('is listed, newest first', async () => {
    const { jobs } = (await (await fetch(`${live.api}/jobs`)).json()) as { jobs: JobJson[] };
    expect(jobs.map(({ id }) => id)).toEqual([...jobs.map(({ id }) => id)].sort((a, b) => b - a));
    const few = (await (await fetch(`${live.api}/jobs?limit=1`)).json()) as { jobs: JobJson[] };
    expect(few.jobs).toEqual(jobs.slice(0, 1));
    await expectProblem(await fetch(`${live.api}/jobs?limit=0`), 'REQUEST_INVALID');
  });

  it('that has ended is told in full by its event stream', async () => {
    const { id } = await start({ path: join(live.archive, 'street', 'people.mp4'), collection: 'city' });
    await ended(id);
    const log = await readEvents(await fetch(`${live.api}/jobs/${id}/events`));
    expect(log.events.map(({ event }) => event)).toEqual(['progress', 'end']);
    await expectProblem(await postJson(`${live.api}/jobs/${id}/cancel`, undefined), 'JOB_ALREADY_ENDED');
  });

  it('can be cancelled, and its stream then ends', async () => {
    const long = join(live.archive, 'long');
    await mkdir(long);
    for (const name of ['bottle-detection', 'car-detection', 'one-by-one-person-detection']) {
      await copyFile(samplePath(name), join(long, `${name}.mp4`));
    }
    const running = await start({ path: long });
    const queued = await start({ path: long });
    const stream = readEvents(await fetch(`${live.api}/jobs/${running.id}/events`));
    for (const { id } of [queued, running]) {
      const response = await fetch(`${live.api}/jobs/${id}/cancel`, { method: 'POST' });
      expect(await response.json()).toMatchObject({ id, status: 'cancelled' });
    }
    const log = await stream;
    expect(log.hasEnded).toBe(true);
    expect(log.events.at(-1)).toMatchObject({ event: 'end', data: { job: { status: 'cancelled' } } });
  });

  it('tells a client that comes back what it missed, and one that missed nothing not to come again', async () => {
    const address = async (body: object) => `${live.api}/jobs/${(await start(body)).id}/events`;
    const url = await address({ path: join(live.archive, 'street'), collection: 'replay' });
    const before = await readEvents(await fetch(url), ({ events }) => pathsOf(events).length > 0);
    const lastId = before.events.at(-1)?.id as string;
    const headers = { 'Last-Event-ID': lastId };
    const after = await readEvents(await fetch(url, { headers }));
    expect(after.events.at(-1)?.event).toBe('end');
    expectAscending([...before.events, ...after.events]);
    const told = [...pathsOf(before.events), ...pathsOf(after.events)];
    expect(told.sort()).toEqual(
      ['broken', 'face', 'people'].map((name) => join(live.archive, 'street', `${name}.mp4`)),
    );

    // Long after the end, too, and for clients that cannot set the header.
    const late = await readEvents(await fetch(url, { headers }));
    expect(pathsOf(late.events)).toEqual(pathsOf(after.events));
    const all = await readEvents(await fetch(`${url}?lastEventId=0`));
    expect(pathsOf(all.events).sort()).toEqual(told);
    expectAscending(all.events);
    // Nothing that the client has is told again.
    for (const { id } of all.events) {
      const rest = await fetch(url, { headers: { 'Last-Event-ID': id } });
      const { events } = rest.status === 204 ? { events: [] } : await readEvents(rest);
      expect(events.map((event) => event.id)).toEqual(
        all.events.map((event) => event.id).filter((other) => Number(other) > Number(id)),
      );
    }
    const endId = all.events.at(-1)?.id as string;
    expect(endId).toBe(after.events.at(-1)?.id);
    expect((await fetch(url, { headers: { 'Last-Event-ID': endId } })).status).toBe(204);
    // A number of another history, and no number at all.
    const foreign = await readEvents(await fetch(url, { headers: { 'Last-Event-ID': '999999' } }));
    expect(foreign.events.map(({ event }) => event)).toEqual(['progress', 'end']);
    await expectProblem(await fetch(url, { headers: { 'Last-Event-ID': 'x' } }), 'REQUEST_INVALID');
    await expectProblem(await fetch(`${url}?lastEventId=-1`), 'REQUEST_INVALID');
  });

  it('tells a client that reads nothing for a while the state in the end', async () => {
    // Long names, so that what the system takes in for the client is soon full.
    const folder = join(live.archive, ...Array.from({ length: 4 }, (_, at) => String(at).repeat(200)));
    await mkdir(folder, { recursive: true });
    for (let at = 0; at < 3000; at += 1) await writeFile(join(folder, `${at}.mp4`), '');
    const job = await start({ path: folder, collection: 'slow' });
    let stream: EventStream | null = null;
    const app = express().get('/', async (_request, response) => {
      stream = new EventStream(response, 1000);
      const { signal } = new AbortController();
      await feedJobEvents(live.cliptrace, {
        jobId: job.id,
        after: null,
        stream,
        signal,
        principal: EVERYONE,
      });
    });
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const isLagging = () => stream?.isOpen === true && !stream.isFlowing;
    // Not for a moment only.
    const keepsLagging = async () => isLagging() && (await sleep(300).then(isLagging));
    await until('the client to lag', keepsLagging, 60_000);
    await live.cliptrace.jobs.pause(job.id);
    const { events } = await readEvents(response, (log) => statusOf(log.events.at(-1)) === 'paused');
    expect(events.at(-1)?.event).toBe('progress');
    expectAscending(events);
    await live.cliptrace.jobs.cancel(job.id);
    server.closeAllConnections();
    server.close();
  });

  it('is paused and resumed, and its stream stays open meanwhile', async () => {
    const { id } = await start({ path: join(live.archive, 'long'), collection: 'pauses' });
    const stream = readEvents(await fetch(`${live.api}/jobs/${id}/events`));
    const ask = async (command: string) =>
      (await (await fetch(`${live.api}/jobs/${id}/${command}`, { method: 'POST' })).json()) as JobJson;
    expect(await ask('pause')).toMatchObject({ id, status: 'paused' });
    expect(await ask('pause')).toMatchObject({ status: 'paused' });
    expect(await get(id)).toMatchObject({ status: 'paused', endedAt: null });
    expect((await ask('resume')).status).toMatch(/queued|running/);
    await ended(id);
    const { events } = await stream;
    expectAscending(events);
    const statuses = events.map(({ data }) => (data as { job: JobJson }).job.status);
    expect(statuses.filter((status, at) => status !== statuses[at - 1]).join(' ')).toMatch(
      /running paused (queued )?running done$/,
    );
    expect(pathsOf(events)).toHaveLength(3);
    await expectProblem(await postJson(`${live.api}/jobs/${id}/pause`, undefined), 'JOB_ALREADY_ENDED');
    await expectProblem(await postJson(`${live.api}/jobs/${id}/resume`, undefined), 'JOB_ALREADY_ENDED');
    await expectProblem(await postJson(`${live.api}/jobs/999/pause`, undefined), 'JOB_NOT_FOUND');
  });

  it('keeps a quiet stream alive with comments, and survives a client that leaves', async () => {
    const { id } = await start({ path: join(live.archive, 'long'), collection: 'again' });
    const log = await readEvents(
      await fetch(`${live.api}/jobs/${id}/events`),
      ({ comments }) => comments.length > 1,
    );
    expect(log.events[0]?.event).toBe('progress');
    expect(log.hasEnded).toBe(false);
    await fetch(`${live.api}/jobs/${id}/cancel`, { method: 'POST' });
  });

  it('that does not exist is JOB_NOT_FOUND', async () => {
    for (const address of ['/jobs/999', '/jobs/999/events']) {
      await expectProblem(await fetch(live.api + address), 'JOB_NOT_FOUND');
    }
    await expectProblem(await fetch(`${live.api}/jobs/999/cancel`, { method: 'POST' }), 'JOB_NOT_FOUND');
    await expectProblem(await fetch(`${live.api}/jobs/x`), 'REQUEST_INVALID');
  });
});

it('answers HEAD of an event stream without opening it', async () => {
  const response = await fetch(`${live.api}/jobs/1/events`, { method: 'HEAD' });
  expect(response.headers.get('Content-Type')).toMatch(/^text\/event-stream/);
});
