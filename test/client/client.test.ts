import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cancelled, CliptraceClient, type JobEvent, RequestFailed } from '../../server/client/index.js';
import { ROUTES } from '../../server/routes/index.js';
import { makeKey } from '../server/tools/keys.js';
import { type LiveServer, samplePath, startLiveServer } from '../server/tools/live-server.js';

let live: LiveServer;
let client: CliptraceClient;
let clip: Blob;

beforeAll(async () => {
  let key = '';
  live = await startLiveServer({
    configuration: { authentication: true },
    prepare: async ({ library }) => {
      key = await makeKey(library, ['admin']);
    },
  });
  client = new CliptraceClient({ url: `${live.url}/`, key: () => key });
  clip = new Blob([new Uint8Array(await readFile(samplePath('people-detection')))]);
});

afterAll(() => live.close());

async function failureOf(work: Promise<unknown>): Promise<RequestFailed> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof RequestFailed) return error;
  throw new Error(`no RequestFailed, but ${error}`);
}

describe('the client', () => {
  it('has a method for every operation of the interface', () => {
    const methods = new Set(Object.getOwnPropertyNames(CliptraceClient.prototype));
    const named: Record<string, string> = { getJobEvents: 'followJob' };
    for (const { name } of ROUTES) expect(methods, name).toContain(named[name] ?? name);
  });

  it('searches by a clip and tells how much of it has been sent', async () => {
    const told: number[] = [];
    const { hits } = await client.search(
      clip,
      { k: 2 },
      { fileName: 'a.mp4', onProgress: (sent) => told.push(sent) },
    );
    expect(hits[0]?.video.title).toBe('people-detection');
    expect(hits).toHaveLength(2);
    expect(told.length).toBeGreaterThan(1);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(told.at(-1)).toBe(1);
    expect((await client.search(clip)).hits[0]?.video.title).toBe('people-detection');
  });

  it('searches by a video, lists, shows, and fetches what it shows', async () => {
    const { videos, totalCount, nextCursor } = await client.listVideos({ limit: 2 });
    expect([videos.length, totalCount]).toEqual([2, 3]);
    expect((await client.listVideos({ limit: 2, cursor: nextCursor ?? '' })).videos).toHaveLength(1);
    const id = videos[0]?.id as number;
    expect(await client.getVideo(id)).toMatchObject({ id });
    const { hits } = await client.searchByVideo({ videoId: id, excludeSelf: true });
    expect(hits.every(({ video }) => video.id !== id)).toBe(true);
    const part = await client.getMedia(id, { range: 'bytes=0-9' });
    expect([part.status, (await part.arrayBuffer()).byteLength]).toEqual([206, 10]);
    expect((await client.getThumbnail(id, 0.5)).type).toBe('image/jpeg');
    expect((await client.listCollections()).collections).toMatchObject([{ name: 'default', videoCount: 3 }]);
    expect((await client.getAccess()).scopes).toEqual(['admin']);
    expect((await client.getHealth()).status).toBe('ok');
    expect((await client.getReadiness()).ready).toBe(true);
    expect((await client.getOpenApiDocument()).openapi).toBe('3.1.0');
  });

  it('adds a video, follows its job to the end, and removes it', async () => {
    const other = new Blob([new Uint8Array(await readFile(samplePath('head-pose-face-detection-female')))]);
    const job = await client.addVideo(
      other,
      { title: 'A head', collection: 'heads' },
      { onProgress: () => undefined },
    );
    const events: JobEvent[] = [];
    for await (const event of client.followJob(job.id)) events.push(event);
    expect(events.at(-1)).toMatchObject({ type: 'end', job: { status: 'done' } });
    expect(events.some(({ type }) => type === 'file')).toBe(true);
    // Who has the last event is told nothing more.
    const again: JobEvent[] = [];
    for await (const event of client.followJob(job.id, { lastEventId: events.at(-1)?.id })) again.push(event);
    expect(again).toEqual([]);
    const { videoId } = await client.getJob(job.id);
    await client.removeVideo(videoId as number);
    expect((await failureOf(client.getVideo(videoId as number))).code).toBe('VIDEO_NOT_FOUND');
  });

  it('pauses, resumes, cancels and lists jobs', async () => {
    await copyFile(samplePath('bottle-detection'), join(live.archive, 'bottles.mp4'));
    await live.cliptrace.jobs.stop();
    const { id } = await client.createJob({ type: 'index', path: live.archive });
    expect((await client.pauseJob(id)).status).toBe('paused');
    expect((await client.resumeJob(id)).status).toBe('queued');
    expect((await client.cancelJob(id)).status).toBe('cancelled');
    expect((await client.listJobs({ limit: 1 })).jobs[0]).toMatchObject({ id, status: 'cancelled' });
    await live.cliptrace.jobs.start();
  });

  it('makes errors of refusals, of silence, and of a signal', async () => {
    const refused = await failureOf(client.getVideo(999));
    expect(refused).toMatchObject({ code: 'VIDEO_NOT_FOUND', status: 404 });
    expect(refused.message).toContain('999');
    const noVideo = await failureOf(client.search(new Blob(['text']), {}, { onProgress: () => undefined }));
    expect(noVideo.code).toBe('NOT_A_VIDEO');
    const stranger = new CliptraceClient({ url: live.url });
    expect((await failureOf(stranger.listVideos())).code).toBe('KEY_REQUIRED');
    const nowhere = await failureOf(new CliptraceClient({ url: 'http://127.0.0.1:1' }).getHealth());
    expect(nowhere).toMatchObject({ code: null, status: null });
    expect(nowhere.cause).toBeDefined();
    await expect(client.listVideos({}, { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(Cancelled);
    const abort = new AbortController();
    const search = client.search(clip, {}, { signal: abort.signal, onProgress: () => abort.abort() });
    await expect(search).rejects.toBeInstanceOf(Cancelled);
  });
});
