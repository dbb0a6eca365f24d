import { rename, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApiKey } from '../../index/access/api-key.js';
import { ROUTES } from '../../server/routes/index.js';
import type { JobJson, JobWithFilesJson } from '../../server/schemas/jobs.js';
import type { SearchAnswerJson } from '../../server/schemas/search.js';
import type { CollectionListJson, VideoJson, VideoPageJson } from '../../server/schemas/videos.js';
import { readEvents } from './tools/events.js';
import { expectProblem, formWith, postForm, postJson } from './tools/http.js';
import { bearer, makeKey } from './tools/keys.js';
import { type LiveServer, samplePath, startLiveServer } from './tools/live-server.js';
import { sendRaw } from './tools/raw-http.js';

const CLIP = samplePath('people-detection');

let live: LiveServer;
let searchKey: string;
let ingestKey: string;
let bothKey: string;
let adminKey: string;
/** For the collection `family` only. */
let familyKey: string;

beforeAll(async () => {
  live = await startLiveServer({
    videos: ['people-detection', 'person-bicycle-car-detection'],
    configuration: { authentication: true, rateLimitPerMinute: 5000, maxConcurrentPerClient: 32 },
    prepare: async ({ library }) => {
      searchKey = await makeKey(library, ['search']);
      ingestKey = await makeKey(library, ['ingest']);
      bothKey = await makeKey(library, ['ingest', 'search']);
      adminKey = await makeKey(library, ['admin']);
      familyKey = await makeKey(library, ['search', 'ingest'], ['family']);
    },
  });
  await live.cliptrace.jobs.wait(
    (
      await live.cliptrace.jobs.submit({
        type: 'index',
        paths: [samplePath('head-pose-face-detection-male'), samplePath('people-detection')],
        collection: 'family',
        labelFrom: null,
        prune: false,
      })
    ).id,
  );
});

afterAll(() => live.close());

const get = (path: string, key: string) => fetch(live.api + path, bearer(key));
const json = async <T>(response: Response) => (await response.json()) as T;

/** A request of a route, with an id that exists. */
function ask(route: (typeof ROUTES)[number], init: RequestInit = {}): Promise<Response> {
  return fetch(live.api + route.address.replace(/\{\w+\}/g, '1'), {
    method: route.method.toUpperCase(),
    ...init,
  });
}

describe('a server that asks for keys', () => {
  it('opens no route without one but those that say so, and tells how to ask', async () => {
    const open = ROUTES.filter(({ scope }) => scope === null).map(({ name }) => name);
    expect(open.sort()).toEqual(['getAccess', 'getHealth', 'getOpenApiDocument', 'getReadiness']);
    for (const route of ROUTES) {
      const response = await ask(route);
      if (route.scope === null) expect(response.status, route.name).toBe(200);
      else {
        expect(response.headers.get('WWW-Authenticate')).toBe('Bearer realm="cliptrace"');
        await expectProblem(response, 'KEY_REQUIRED');
      }
    }
  });

  it('takes no other key than its own, in no other way than as a bearer', async () => {
    const unknown = createApiKey().key;
    const wrongSecret = searchKey.slice(0, -1) + (searchKey.endsWith('A') ? 'B' : 'A');
    for (const value of [
      `Bearer ${unknown}`,
      `Bearer ${wrongSecret.replace(/.{4}$/, 'zzzz')}`,
      `Basic ${Buffer.from(`x:${searchKey}`).toString('base64')}`,
      searchKey,
      'Bearer',
      `Bearer ${'x'.repeat(5000)}`,
      `Bearer ${searchKey} ${searchKey}`,
    ]) {
      const response = await fetch(`${live.api}/videos`, { headers: { Authorization: value } });
      expect(response.headers.get('WWW-Authenticate')).toContain('invalid_token');
      await expectProblem(response, 'KEY_INVALID');
    }
    await expectProblem(await fetch(`${live.api}/videos?key=${searchKey}`), 'KEY_REQUIRED');
    expect((await get('/videos', searchKey)).status).toBe(200);
  });

  it('lets each scope do what it is for, and nothing else', async () => {
    for (const route of ROUTES) {
      if (route.scope === null || route.scope === 'admin') continue;
      const own = route.scope === 'search' ? searchKey : ingestKey;
      const other = route.scope === 'search' ? ingestKey : searchKey;
      for (const key of route.alsoScope === null ? [other] : [other, own]) {
        const refused = await ask(route, bearer(key));
        const { detail } = await expectProblem(refused, 'KEY_NOT_ALLOWED');
        for (const scope of [route.scope, route.alsoScope ?? '']) expect(detail).toContain(scope);
      }
      if (route.method !== 'get') continue;
      for (const key of [route.alsoScope === null ? own : bothKey, adminKey]) {
        const allowed = await ask(route, bearer(key));
        // Past the keys: there may be nothing of that id.
        expect([200, 404], route.name).toContain(allowed.status);
        await allowed.body?.cancel();
      }
    }
    expect((await postJson(`${live.api}/search`, { videoId: 1 }, bearer(searchKey))).status).toBe(200);
  });

  it('forgets a key at once when it is revoked', async () => {
    const key = await makeKey(live.cliptrace.library, ['search']);
    const { videos } = await json<VideoPageJson>(await get('/videos', key));
    const link = live.url + (videos[0] as VideoJson).thumbnailUrl;
    expect((await fetch(link)).status).toBe(200);
    await live.cliptrace.library.revokeApiKey(key.split('_')[1] as string);
    await expectProblem(await get('/videos', key), 'KEY_INVALID');
    await expectProblem(await fetch(link), 'KEY_INVALID');
  });

  it('answers before it has read a body, and does not wait for it', async () => {
    const head = (more: string) =>
      `POST /api/v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n${more}\r\n\r\n`;
    const startedAt = performance.now();
    const answer = await sendRaw(live.url, `${head('Content-Length: 1000000000')}--x\r\nContent`);
    expect(answer).toMatch(/^HTTP\/1\.1 401 [\s\S]*KEY_REQUIRED/);
    // The line is given up although the client goes on to hold it.
    expect(performance.now() - startedAt).toBeLessThan(9000);
    await expect(live.temporaryFiles()).resolves.toEqual([]);
  });

  it('invites a body (Expect: 100-continue) only from those who may send it', async () => {
    const invited = (key: string | null) =>
      new Promise<{ continued: boolean; status: number }>((resolve, reject) => {
        const { hostname, port } = new URL(live.url);
        let continued = false;
        const request = httpRequest({
          hostname,
          port,
          path: '/api/v1/search',
          method: 'POST',
          headers: {
            'Content-Type': 'application/json',
            Expect: '100-continue',
            ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
          },
        });
        request.on('continue', () => {
          continued = true;
          request.end('{"videoId": 1}');
        });
        request.on('response', (response) => {
          response.resume();
          request.destroy();
          resolve({ continued, status: response.statusCode ?? 0 });
        });
        request.on('error', reject);
        request.flushHeaders();
      });
    expect(await invited(null)).toEqual({ continued: false, status: 401 });
    expect(await invited(searchKey)).toEqual({ continued: true, status: 200 });
  });

  it('notes when a key was used, and names it in the log by its id only', async () => {
    const key = await makeKey(live.cliptrace.library, ['search']);
    const id = key.split('_')[1] as string;
    await (await get('/videos?q=secret-words', key)).text();
    expect((await live.cliptrace.library.findApiKey(id))?.lastUsedAt).toMatch(/^\d{4}-/);
    expect(live.log.some((entry) => entry.key === id)).toBe(true);
    const text = JSON.stringify(live.log);
    expect(text).not.toContain(key.slice(-43));
    expect(text).not.toContain('secret-words');
  });

  it('tells versions only to who has a key', async () => {
    const stranger = await json<object>(await fetch(`${live.url}/readyz`));
    expect(stranger).toEqual({ ready: true, reason: null, model: null, ffmpeg: null, index: null });
    expect(await json<object>(await get('/readyz', searchKey))).toMatchObject({
      ffmpeg: { version: expect.any(String) },
    });
  });

  it('tells a key what it is good for', async () => {
    expect(await json(await fetch(`${live.api}/access`))).toEqual({
      authentication: true,
      keyId: null,
      scopes: [],
      collections: [],
    });
    expect(await json(await get('/access', familyKey))).toEqual({
      authentication: true,
      keyId: familyKey.split('_')[1],
      scopes: ['search', 'ingest'],
      collections: ['family'],
    });
  });
});

describe('links to media and pictures', () => {
  it('work by themselves, in ranges too, for that video only', async () => {
    const { videos } = await json<VideoPageJson>(await get('/videos', searchKey));
    const [one, two] = videos as [VideoJson, VideoJson];
    for (const link of [one.mediaUrl, one.thumbnailUrl]) {
      const response = await fetch(live.url + link, { headers: { Range: 'bytes=0-99' } });
      expect(response.status).toBe(link === one.mediaUrl ? 206 : 200);
      await expectProblem(await fetch(live.url + link.replace(/[?&]ticket=.*/, '')), 'KEY_REQUIRED');
      const other = link.replace(`/videos/${one.id}/`, `/videos/${two.id}/`);
      await expectProblem(await fetch(live.url + other), 'KEY_INVALID');
    }
    // No ticket opens anything else.
    const ticket = new URL(live.url + one.mediaUrl).searchParams.get('ticket') as string;
    await expectProblem(await fetch(`${live.api}/videos/${one.id}?ticket=${ticket}`), 'KEY_REQUIRED');
    const forged = ticket.replace(/\.\d+\./, '.99999999999.');
    await expectProblem(await fetch(`${live.api}/videos/${one.id}/media?ticket=${forged}`), 'KEY_INVALID');
  });

  it('come with hits, before the fragment', async () => {
    const answer = await json<SearchAnswerJson>(
      await postJson(`${live.api}/search`, { videoId: 1 }, bearer(searchKey)),
    );
    for (const { mediaUrl, thumbnailUrl } of answer.hits) {
      expect(mediaUrl).toMatch(/\/media\?ticket=[\w.-]+#t=/);
      expect((await fetch(live.url + thumbnailUrl)).status).toBe(200);
    }
  });
});

describe('a key for one collection', () => {
  it('finds, lists and shows nothing else', async () => {
    const all = await json<VideoPageJson>(await get('/videos', searchKey));
    const own = await json<VideoPageJson>(await get('/videos', familyKey));
    expect(all.totalCount).toBe(4);
    expect(own.totalCount).toBe(2);
    expect(new Set(own.videos.map(({ collection }) => collection))).toEqual(new Set(['family']));
    const { collections } = await json<CollectionListJson>(await get('/collections', familyKey));
    expect(collections.map(({ name }) => name)).toEqual(['family']);
    const foreign = all.videos.find(({ collection }) => collection === 'default') as VideoJson;
    for (const path of ['', '/media', '/thumbnail']) {
      await expectProblem(await get(`/videos/${foreign.id}${path}`, familyKey), 'VIDEO_NOT_FOUND');
    }
    const removal = await fetch(`${live.api}/videos/${foreign.id}`, {
      method: 'DELETE',
      ...bearer(familyKey),
    });
    await expectProblem(removal, 'VIDEO_NOT_FOUND');
    const search = (body: object) => postJson(`${live.api}/search`, body, bearer(familyKey));
    await expectProblem(await search({ videoId: foreign.id }), 'VIDEO_NOT_FOUND');
    const named = await expectProblem(
      await search({ videoId: own.videos[0]?.id, collection: 'default' }),
      'COLLECTION_NOT_FOUND',
    );
    expect(named.detail).toContain('"family"');
    const { hits } = await json<SearchAnswerJson>(
      await postForm(
        `${live.api}/search`,
        await formWith('clip', CLIP, { k: '50', perVideo: '5' }),
        bearer(familyKey),
      ),
    );
    expect(hits.length).toBeGreaterThan(0);
    expect(new Set(hits.map(({ video }) => video.collection))).toEqual(new Set(['family']));
  });

  it('adds to no other, and sees and stops no other job', async () => {
    const add = async (fields: Record<string, string>) =>
      postForm(`${live.api}/videos`, await formWith('video', CLIP, fields), bearer(familyKey));
    expect((await expectProblem(await add({}), 'KEY_NOT_ALLOWED')).detail).toContain('"family"');
    const index = { type: 'index', path: live.archive, collection: 'default' };
    await expectProblem(await postJson(`${live.api}/jobs`, index, bearer(familyKey)), 'KEY_NOT_ALLOWED');
    const added = await add({ collection: 'family' });
    expect(added.status).toBe(202);
    const { jobs } = await json<{ jobs: JobJson[] }>(await get('/jobs', familyKey));
    expect(new Set(jobs.map(({ collection }) => collection))).toEqual(new Set(['family']));
    for (const path of ['', '/events'])
      await expectProblem(await get(`/jobs/1${path}`, familyKey), 'JOB_NOT_FOUND');
    for (const command of ['pause', 'resume', 'cancel']) {
      const answer = await fetch(`${live.api}/jobs/1/${command}`, { method: 'POST', ...bearer(familyKey) });
      await expectProblem(answer, 'JOB_NOT_FOUND');
    }
    await live.cliptrace.jobs.wait((await json<JobJson>(added)).id);
    await expect(live.temporaryFiles()).resolves.toEqual([]);
  });
});

describe('paths of the archive', () => {
  it('are shown to admin keys only, in no job, event, failure or problem', async () => {
    await writeFile(join(live.archive, 'broken.mp4'), 'no video at all');
    const body = { type: 'index', path: live.archive };
    const created = await json<JobJson>(await postJson(`${live.api}/jobs`, body, bearer(ingestKey)));
    expect(created.paths).toBeNull();
    await live.cliptrace.jobs.wait(created.id);
    const job = await json<JobWithFilesJson>(await get(`/jobs/${created.id}`, ingestKey));
    expect(job.failures).toMatchObject([
      {
        path: 'broken.mp4',
        code: 'NOT_A_VIDEO',
        message: 'The file is not a video container that can be opened',
      },
    ]);
    const { events } = await readEvents(await get(`/jobs/${created.id}/events?lastEventId=0`, ingestKey));
    expect(events.length).toBeGreaterThan(2);
    // A job that fails as a whole names its folder.
    await rename(live.archive, `${live.archive}-moved`);
    const lost = await live.cliptrace.jobs.submit({
      type: 'index',
      paths: [live.archive],
      collection: 'default',
      labelFrom: null,
      prune: false,
    });
    await live.cliptrace.jobs.wait(lost.id);
    const media = await get('/videos/1/media', searchKey);
    await rename(`${live.archive}-moved`, live.archive);
    const told = [
      JSON.stringify(created),
      JSON.stringify(job),
      JSON.stringify(events),
      await (await get('/jobs', ingestKey)).text(),
      await (await get(`/jobs/${lost.id}`, ingestKey)).text(),
      JSON.stringify(await expectProblem(media, 'MEDIA_MISSING')),
      await (await get('/videos', searchKey)).text(),
    ].join('\n');
    expect(told).not.toContain(live.archive);
    const seen = await json<JobWithFilesJson>(await get(`/jobs/${created.id}`, adminKey));
    expect(seen.paths).toEqual([live.archive]);
    expect(seen.failures[0]?.path).toBe(join(live.archive, 'broken.mp4'));
    expect(await (await get(`/jobs/${lost.id}`, adminKey)).text()).toContain(live.archive);
  });
});
