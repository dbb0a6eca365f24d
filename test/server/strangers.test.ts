import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientOfAddress } from '../../server/access/client-limits.js';
import { loadServerConfiguration, type ServerConfiguration } from '../../server/configuration.js';
import { type RunningServer, startServer } from '../../server/server.js';
import { expectProblem, postJson } from './tools/http.js';
import { bearer, makeKey } from './tools/keys.js';
import { type LiveServer, startLiveServer } from './tools/live-server.js';

let live: LiveServer;
let key: string;
let otherKey: string;
const servers: RunningServer[] = [];

beforeAll(async () => {
  live = await startLiveServer({ videos: ['people-detection'] });
  key = await makeKey(live.cliptrace.library, ['search', 'ingest']);
  otherKey = await makeKey(live.cliptrace.library, ['search']);
});

afterAll(async () => {
  for (const server of servers) await server.close();
  await live.close();
});

/** Another server on the same library. */
async function another(configuration: Partial<ServerConfiguration>): Promise<string> {
  const server = await startServer({
    cliptrace: live.cliptrace,
    configuration: { ...loadServerConfiguration({}, { port: 0 }), authentication: true, ...configuration },
    logger: pino({ level: 'silent' }),
  });
  servers.push(server);
  return `${server.url}/api/v1`;
}

describe('requests a minute', () => {
  it('are bounded by address, with the time to wait', async () => {
    const api = await another({ rateLimitPerMinute: 5 });
    // An address that asks for no key.
    const ask = () => fetch(`${api}/openapi.json`);
    for (let count = 0; count < 5; count += 1) expect((await ask()).status).toBe(200);
    const refused = await ask();
    const seconds = Number(refused.headers.get('Retry-After'));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(60);
    await expectProblem(refused, 'TOO_MANY_REQUESTS');
    // Who watches over the server is told that it is there, whatever else its address asks for.
    const root = api.replace('/api/v1', '');
    for (const address of [`${api}/healthz`, `${api}/readyz`, `${root}/healthz`, `${root}/readyz`]) {
      for (let count = 0; count < 6; count += 1) expect((await fetch(address)).status).toBe(200);
      // But nobody tries keys there.
      await expectProblem(await fetch(address, bearer(key)), 'TOO_MANY_REQUESTS');
    }
  });

  it('are bounded by key, wherever they come from, and tell addresses apart behind a trusted proxy', async () => {
    const api = await another({ rateLimitPerMinute: 4, trustedProxies: ['loopback'] });
    let client = 0;
    const ask = (asked: string, from?: string) => {
      client += 1;
      const headers = { ...bearer(asked).headers, 'X-Forwarded-For': from ?? `203.0.113.${client}` };
      return fetch(`${api}/videos`, { headers });
    };
    for (let count = 0; count < 4; count += 1) expect((await ask(key)).status).toBe(200);
    await expectProblem(await ask(key), 'TOO_MANY_REQUESTS');
    for (let count = 0; count < 4; count += 1) {
      expect((await ask(otherKey, '198.51.100.7')).status).toBe(200);
    }
    await expectProblem(await ask(otherKey, '198.51.100.7'), 'TOO_MANY_REQUESTS');
  });

  it('do not believe an address that no trusted proxy tells', async () => {
    const api = await another({ rateLimitPerMinute: 3 });
    const ask = (from: number) =>
      fetch(`${api}/openapi.json`, { headers: { 'X-Forwarded-For': `203.0.113.${from}` } });
    for (let count = 0; count < 3; count += 1) expect((await ask(count)).status).toBe(200);
    await expectProblem(await ask(9), 'TOO_MANY_REQUESTS');
  });

  it('run out ten times as fast for who tries keys', async () => {
    const api = await another({ rateLimitPerMinute: 25 });
    const statuses: number[] = [];
    for (let count = 0; count < 5; count += 1) {
      statuses.push((await fetch(`${api}/videos`, bearer(`${key.slice(0, -4)}AAAA`))).status);
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
  });
});

describe('requests in hand', () => {
  it('are bounded by key, and the place is free when one ends', async () => {
    const api = await another({ maxConcurrentPerClient: 2 });
    await live.cliptrace.jobs.stop();
    const job = await live.cliptrace.jobs.submit({
      type: 'index',
      paths: [live.archive],
      collection: 'waiting',
      labelFrom: null,
      prune: false,
    });
    // Each stays open while the job waits.
    const streams = [];
    for (let count = 0; count < 2; count += 1)
      streams.push(await fetch(`${api}/jobs/${job.id}/events`, bearer(key)));
    await expectProblem(await fetch(`${api}/videos`, bearer(key)), 'TOO_MANY_REQUESTS');
    expect((await fetch(`${api}/videos`, bearer(otherKey))).status).toBe(200);
    await streams[0]?.body?.cancel();
    await expect
      .poll(async () => (await fetch(`${api}/videos`, bearer(key))).status, { timeout: 10_000 })
      .toBe(200);
    await streams[1]?.body?.cancel();
    await live.cliptrace.jobs.cancel(job.id);
  });
});

describe('pages of other origins', () => {
  const FRIEND = 'https://friend.example';

  it('get nothing by default', async () => {
    const api = await another({});
    const response = await fetch(`${api}/videos`, { headers: { ...bearer(key).headers, Origin: FRIEND } });
    expect(response.status).toBe(200);
    expect(response.headers.get('Access-Control-Allow-Origin')).toBeNull();
    expect(response.headers.get('Cross-Origin-Resource-Policy')).toBe('same-origin');
    const preflight = await fetch(`${api}/videos`, {
      method: 'OPTIONS',
      headers: { Origin: FRIEND, 'Access-Control-Request-Method': 'GET' },
    });
    expect(preflight.headers.get('Access-Control-Allow-Origin')).toBeNull();
  });

  it('may ask and change when they are named, and no others', async () => {
    const api = await another({ corsOrigins: [FRIEND] });
    const preflight = await fetch(`${api}/search`, {
      method: 'OPTIONS',
      headers: { Origin: FRIEND, 'Access-Control-Request-Method': 'POST' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('Access-Control-Allow-Origin')).toBe(FRIEND);
    expect(preflight.headers.get('Access-Control-Allow-Headers')).toContain('Authorization');
    expect(preflight.headers.get('Access-Control-Allow-Credentials')).toBeNull();
    const search = (origin: string, site: string) =>
      postJson(
        `${api}/search`,
        { videoId: 1 },
        { headers: { ...bearer(key).headers, Origin: origin, 'Sec-Fetch-Site': site } },
      );
    const answer = await search(FRIEND, 'cross-site');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe(FRIEND);
    expect(answer.headers.get('Vary')).toContain('Origin');
    for (const origin of ['https://friend.example.evil.example', 'http://friend.example', 'null']) {
      const refused = await search(origin, 'cross-site');
      expect(refused.headers.get('Access-Control-Allow-Origin')).toBeNull();
      await expectProblem(refused, 'ORIGIN_NOT_ALLOWED');
    }
    // Errors are readable for them, too.
    const failed = await fetch(`${api}/videos/99`, { headers: { ...bearer(key).headers, Origin: FRIEND } });
    expect(failed.headers.get('Access-Control-Allow-Origin')).toBe(FRIEND);
    await expectProblem(failed, 'VIDEO_NOT_FOUND');
  });
});

describe('an address', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:DB8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('%s counts as %s', (address, client) => expect(clientOfAddress(address)).toBe(client));
});
