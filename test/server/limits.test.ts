import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServerConfiguration } from '../../server/configuration.js';
import { loadServerConfiguration } from '../../server/configuration.js';
import { type RunningServer, startServer } from '../../server/server.js';
import { readEvents } from './tools/events.js';
import { expectProblem, formWith, postForm, postJson, until } from './tools/http.js';
import { type LiveServer, samplePath, startLiveServer } from './tools/live-server.js';
import { sendRaw } from './tools/raw-http.js';

const CLIP = 'people-detection';

let live: LiveServer;

beforeAll(async () => {
  live = await startLiveServer({
    videos: [CLIP],
    configuration: { maxConcurrentDecodes: 1, maxConcurrentUploads: 3, maxEventStreams: 1 },
  });
});

afterAll(() => live.close());

async function another(configuration: Partial<ServerConfiguration>): Promise<RunningServer> {
  return startServer({
    cliptrace: live.cliptrace,
    configuration: { ...loadServerConfiguration({}, { port: 0 }), ...configuration },
    logger: pino({ level: 'silent' }),
  });
}

describe('too much at once', () => {
  it('is refused with TOO_MANY_REQUESTS and the time to wait, and served afterwards', async () => {
    const send = async () =>
      postForm(`${live.api}/search`, await formWith('clip', samplePath('store-aisle-detection')));
    const answers = await Promise.all([send(), send(), send(), send()]);
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(answers.length);
    for (const response of refused) {
      expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0);
      await expectProblem(response, 'TOO_MANY_REQUESTS');
    }
    expect((await send()).status).toBe(200);
    await expect(live.temporaryFiles()).resolves.toEqual([]);
  });

  it('counts event streams too', async () => {
    const { id } = await live.cliptrace.jobs.submit({
      type: 'index',
      paths: [samplePath('car-detection')],
      collection: 'streams',
      labelFrom: null,
      prune: false,
    });
    const events = `${live.api}/jobs/${id}/events`;
    const first = await fetch(events);
    await expectProblem(await fetch(events), 'TOO_MANY_REQUESTS');
    expect((await readEvents(first)).hasEnded).toBe(true);
    await until('the place to be free', async () => {
      const response = await fetch(events);
      await response.text();
      return response.status === 200;
    });
  });
});

describe('who may ask', () => {
  const post = (headers: Record<string, string>) =>
    postJson(`${live.api}/search`, { videoId: 1 }, { headers });

  it('is not a page of another site', async () => {
    await expectProblem(await post({ 'Sec-Fetch-Site': 'cross-site' }), 'ORIGIN_NOT_ALLOWED');
    await expectProblem(await post({ 'Sec-Fetch-Site': 'same-site' }), 'ORIGIN_NOT_ALLOWED');
    await expectProblem(await post({ Origin: 'https://evil.example' }), 'ORIGIN_NOT_ALLOWED');
    await expectProblem(await post({ Origin: 'null' }), 'ORIGIN_NOT_ALLOWED');
    const removal = { method: 'DELETE', headers: { Origin: 'http://evil.example' } };
    await expectProblem(await fetch(`${live.api}/videos/1`, removal), 'ORIGIN_NOT_ALLOWED');
    expect((await post({ 'Sec-Fetch-Site': 'same-origin', Origin: live.url })).status).toBe(200);
    expect((await post({ Origin: live.url })).status).toBe(200);
    expect((await post({})).status).toBe(200);
  });

  it('does not come by a foreign name (DNS rebinding) while the server is on loopback', async () => {
    const get = (host: string) =>
      sendRaw(live.url, `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    for (const host of ['evil.example', 'evil.example:8080', 'localhost.evil.example', '169.254.1.1']) {
      expect(await get(host)).toMatch(/^HTTP\/1\.1 403 [\s\S]*ORIGIN_NOT_ALLOWED/);
    }
    for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:8080', '[::1]:80', 'localhost.']) {
      expect(await get(host), host).toMatch(/^HTTP\/1\.1 200 /);
    }
  });

  it('may come by a name that the configuration allows', async () => {
    const server = await another({ allowedHosts: ['video.example'] });
    const ask = (host: string) =>
      sendRaw(server.url, `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    expect(await ask('video.example')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await ask('other.example')).toMatch(/^HTTP\/1\.1 403 /);
    await server.close();
  });
});

describe('addresses and methods', () => {
  it('that do not exist are NOT_FOUND', async () => {
    for (const path of [
      '/api/v1/none',
      '/api/v1',
      '/api/v2/videos',
      '/nothing.js',
      '/api/v1/Videos',
      '/..%2f..%2fetc/passwd',
      '/.git/config',
    ]) {
      await expectProblem(await fetch(live.url + path), 'NOT_FOUND');
    }
  });

  it('that do not go together are METHOD_NOT_ALLOWED, with those that do', async () => {
    for (const [method, path, allow] of [
      ['PUT', '/videos', 'GET, POST, HEAD, OPTIONS'],
      ['GET', '/search', 'POST, OPTIONS'],
      ['PATCH', '/videos/1', 'GET, DELETE, HEAD, OPTIONS'],
      ['DELETE', '/jobs/1', 'GET, HEAD, OPTIONS'],
    ] as const) {
      const response = await fetch(live.api + path, { method });
      expect(response.headers.get('Allow')).toBe(allow);
      await expectProblem(response, 'METHOD_NOT_ALLOWED');
    }
    const options = await fetch(`${live.api}/search`, { method: 'OPTIONS' });
    expect([options.status, options.headers.get('Allow')]).toEqual([204, 'POST, OPTIONS']);
    expect((await fetch(`${live.api}/videos`, { method: 'HEAD' })).status).toBe(200);
  });
});

describe('startServer', () => {
  it('says that a port is in use', async () => {
    const occupant = createServer();
    await new Promise<void>((resolve) => occupant.listen(0, '127.0.0.1', resolve));
    const { port } = occupant.address() as AddressInfo;
    await expect(another({ port })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining(`Port ${port}`),
    });
    occupant.close();
  });

  it('says that a host is not of this machine', async () => {
    await expect(another({ host: '203.0.113.7' })).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' });
  });

  it('warns when it can be reached from elsewhere, and about an outdated ffmpeg', async () => {
    const lines: { level: number; msg: string }[] = [];
    const server = await startServer({
      cliptrace: live.cliptrace,
      configuration: loadServerConfiguration({}, { port: 0, host: '0.0.0.0', auth: 'off' }),
      logger: pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) }),
    });
    expect(server.url).toMatch(/^http:\/\/localhost:\d+$/);
    await server.close();
    const warnings = lines.filter(({ level }) => level === 40).map(({ msg }) => msg);
    expect(warnings[0]).toContain('NO AUTHENTICATION');
    expect(warnings.slice(1)).toEqual([live.cliptrace.ffmpeg.warning].filter((warning) => warning !== null));
  });

  it('breaks off, after a while, what does not end', async () => {
    const server = await another({ shutdownTimeoutMs: 200 });
    const answer = sendRaw(
      server.url,
      'POST /api/v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n{',
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    const startedAt = performance.now();
    await server.close();
    expect(performance.now() - startedAt).toBeLessThan(5000);
    await answer.catch(() => undefined);
  });

  it('closes: answers what is in hand, ends event streams, takes nothing new', async () => {
    const server = await another({ shutdownTimeoutMs: 60_000 });
    const api = `${server.url}/api/v1`;
    const { id } = await live.cliptrace.jobs.submit({
      type: 'index',
      paths: [samplePath('bottle-detection')],
      collection: 'closing',
      labelFrom: null,
      prune: false,
    });
    const stream = readEvents(await fetch(`${api}/jobs/${id}/events`));
    const inHand = postForm(`${api}/search`, await formWith('clip', samplePath('store-aisle-detection')));
    await until('the upload to arrive', async () => (await live.temporaryFiles()).length > 0);
    await server.close();
    await server.close();
    expect((await inHand).status).toBe(200);
    expect((await stream).hasEnded).toBe(true);
    await expect(fetch(`${api}/videos`)).rejects.toThrow();
    await live.cliptrace.jobs.wait(id);
  });
});
