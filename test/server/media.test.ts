import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VideoPageJson } from '../../server/schemas/videos.js';
import { expectProblem } from './tools/http.js';
import { type LiveServer, samplePath, startLiveServer } from './tools/live-server.js';
import { sendRaw } from './tools/raw-http.js';

const NAME = 'people-detection';

let live: LiveServer;
let address: string;
let whole: Buffer;

beforeAll(async () => {
  live = await startLiveServer({ videos: [NAME] });
  const { videos } = (await (await fetch(`${live.api}/videos`)).json()) as VideoPageJson;
  address = live.url + videos[0]?.mediaUrl;
  whole = await readFile(samplePath(NAME));
});

afterAll(() => live.close());

async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

function part(range: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(address, { headers: { Range: range, ...headers } });
}

describe('GET /videos/{id}/media', () => {
  it('sends the file, as what it is and as nothing else', async () => {
    const response = await fetch(address);
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Type')).toBe('video/mp4');
    expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(response.headers.get('Accept-Ranges')).toBe('bytes');
    expect(response.headers.get('Content-Security-Policy')).toContain('sandbox');
    expect((await bytesOf(response)).equals(whole)).toBe(true);
  });

  it('answers HEAD with the headers alone', async () => {
    const response = await fetch(address, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Length')).toBe(String(whole.length));
    expect(await bytesOf(response)).toHaveLength(0);
  });

  it.each([
    ['bytes=0-99', 0, 100],
    ['bytes=100-199', 100, 200],
    ['bytes=17000-', 17000, Number.POSITIVE_INFINITY],
    ['bytes=-500', -500, Number.POSITIVE_INFINITY],
    ['bytes=0-99999999', 0, Number.POSITIVE_INFINITY],
  ])('sends the range %s', async (range, from, to) => {
    const response = await part(range);
    expect(response.status).toBe(206);
    const expected = whole.subarray(from, to);
    const first = from < 0 ? whole.length + from : from;
    expect(response.headers.get('Content-Range')).toBe(
      `bytes ${first}-${first + expected.length - 1}/${whole.length}`,
    );
    expect((await bytesOf(response)).equals(expected)).toBe(true);
  });

  it('refuses a range behind the end, and tells the length', async () => {
    const response = await part('bytes=99999999-');
    expect(response.headers.get('Content-Range')).toBe(`bytes */${whole.length}`);
    await expectProblem(response, 'RANGE_NOT_SATISFIABLE');
  });

  it.each(['lines=1-2', 'bytes=abc', 'bytes=5-2'])(
    'sends the whole file, or refuses, for %s',
    async (range) => {
      const response = await part(range);
      expect([200, 416]).toContain(response.status);
      await response.arrayBuffer();
    },
  );

  it('knows what the client has (If-None-Match, If-Range)', async () => {
    const tag = (await fetch(address, { method: 'HEAD' })).headers.get('ETag') as string;
    expect(tag).toMatch(/"/);
    // By hand: fetch adds a Cache-Control that asks for the whole file.
    const asked = `GET ${new URL(address).pathname} HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: ${tag}\r\nConnection: close\r\n\r\n`;
    expect(await sendRaw(live.url, asked)).toMatch(/^HTTP\/1\.1 304 /);
    expect((await part('bytes=0-9', { 'If-Range': tag })).status).toBe(206);
    expect((await bytesOf(await part('bytes=0-9', { 'If-Range': '"another"' }))).equals(whole)).toBe(true);
  });

  it('goes by id only', async () => {
    await expectProblem(await fetch(`${live.api}/videos/99/media`), 'VIDEO_NOT_FOUND');
    for (const id of ['0', '-1', '1.5', 'x', '1e1', '..%2F..%2Fetc%2Fpasswd', '99999999999999999999']) {
      await expectProblem(await fetch(`${live.api}/videos/${id}/media`), 'REQUEST_INVALID');
    }
    await expectProblem(await fetch(`${address}?path=/etc/passwd`), 'REQUEST_INVALID');
    await expectProblem(await fetch(`${live.api}/videos/%zz/media`), 'REQUEST_INVALID');
  });
});

describe('GET /videos/{id}/thumbnail', () => {
  it('is a picture, from the middle unless told', async () => {
    const thumbnail = address.replace('/media', '/thumbnail');
    for (const url of [thumbnail, `${thumbnail}?atSeconds=0`, `${thumbnail}?atSeconds=1.25`]) {
      const response = await fetch(url);
      expect(response.headers.get('Content-Type')).toBe('image/jpeg');
      expect((await bytesOf(response)).subarray(0, 3).toString('hex')).toBe('ffd8ff');
    }
    await expectProblem(await fetch(`${thumbnail}?atSeconds=500`), 'RANGE_NOT_IN_VIDEO');
    await expectProblem(await fetch(`${thumbnail}?atSeconds=-1`), 'REQUEST_INVALID');
    await expectProblem(await fetch(`${thumbnail}?at=1`), 'REQUEST_INVALID');
  });

  it('is the nearest of those that indexing left, and is not sent again', async () => {
    const thumbnail = address.replace('/media', '/thumbnail');
    const [first, still, next] = await Promise.all(
      [0, 0.4, 0.6].map((at) => fetch(`${thumbnail}?atSeconds=${at}`)),
    );
    const tag = first?.headers.get('ETag') as string;
    expect(still?.headers.get('ETag')).toBe(tag);
    expect(next?.headers.get('ETag')).not.toBe(tag);
    // Without "no-cache" of its own, which `fetch` sends with a condition, and by which an answer is always whole.
    const again = await fetch(`${thumbnail}?atSeconds=0`, {
      headers: { 'If-None-Match': tag, 'Cache-Control': 'max-age=0' },
    });
    expect(again.status).toBe(304);
    expect(await readdir(live.cliptrace.dataFolder.thumbnailsFolder)).toEqual([
      expect.stringMatching(/^1-\w{16}\.strip$/),
    ]);
  });

  it('is made on demand where indexing left none', async () => {
    const { thumbnailsFolder } = live.cliptrace.dataFolder;
    const [strip] = await readdir(thumbnailsFolder);
    await rename(join(thumbnailsFolder, strip as string), join(thumbnailsFolder, 'kept aside'));
    const response = await fetch(`${address.replace('/media', '/thumbnail')}?atSeconds=1.4`);
    expect((await bytesOf(response)).subarray(0, 3).toString('hex')).toBe('ffd8ff');
    expect(await readdir(thumbnailsFolder)).toContain((strip as string).replace('.strip', '-3.jpg'));
    await rename(join(thumbnailsFolder, 'kept aside'), join(thumbnailsFolder, strip as string));
  });

  it('comes for many at once: they wait their turn', async () => {
    const times = Array.from({ length: 30 }, (_, index) => index * 0.06);
    const thumbnail = address.replace('/media', '/thumbnail');
    const answers = await Promise.all(times.map((at) => fetch(`${thumbnail}?atSeconds=${at}`)));
    expect(answers.map(({ status }) => status)).toEqual(times.map(() => 200));
    await Promise.all(answers.map((answer) => answer.arrayBuffer()));
  });
});

it('says that a file is gone', async () => {
  await rm(join(live.archive, `${NAME}.mp4`));
  const { detail } = await expectProblem(await fetch(address), 'MEDIA_MISSING');
  expect(detail).not.toContain(live.archive);
  expect((await fetch(`${address.replace('/media', '/thumbnail')}?atSeconds=1`)).status).toBe(200);
});
