import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectProblem, formWith, postForm, until } from './tools/http.js';
import { type LiveServer, samplePath, startLiveServer } from './tools/live-server.js';
import { BOUNDARY, filePart, multipart, postMultipart, sendRaw, textPart } from './tools/raw-http.js';

const CLIP = samplePath('people-detection');
const MAX_UPLOAD_BYTES = 400_000;

let live: LiveServer;
let address: string;

beforeAll(async () => {
  live = await startLiveServer({
    configuration: { maxUploadBytes: MAX_UPLOAD_BYTES, uploadTimeoutMs: 1500 },
  });
  address = `${live.api}/search`;
});

afterAll(() => live.close());

afterEach(async () => {
  await until('the temporary folder to be empty', async () => (await live.temporaryFiles()).length === 0);
  // Whatever a client did, the server goes on.
  expect((await fetch(`${live.url}/healthz`)).status).toBe(200);
});

describe('a multipart body', () => {
  it('without a file is UPLOAD_MISSING, and a file sent as text is told apart', async () => {
    await expectProblem(await postMultipart(address, multipart([])), 'UPLOAD_MISSING');
    await expectProblem(await postMultipart(address, multipart([textPart('k', '3')])), 'UPLOAD_MISSING');
    const asText = await postMultipart(address, multipart([textPart('clip', 'bytes')]));
    expect((await expectProblem(asText, 'UPLOAD_MISSING')).detail).toContain('is text');
    const noName = await postMultipart(address, multipart([filePart('clip', '', 'bytes')]));
    await expectProblem(noName, 'UPLOAD_MISSING');
  });

  it('with an empty file is FILE_EMPTY', async () => {
    const { detail } = await expectProblem(
      await postMultipart(address, multipart([filePart('clip', 'nothing.mp4', '')])),
      'FILE_EMPTY',
    );
    expect(detail).toContain('nothing.mp4');
  });

  it('without a boundary, or with another one, is UPLOAD_INVALID', async () => {
    const body = multipart([filePart('clip', 'a.mp4', 'x')]);
    await expectProblem(await postMultipart(address, body, 'multipart/form-data'), 'UPLOAD_INVALID');
    await expectProblem(
      await postMultipart(address, body, 'multipart/form-data; boundary=other'),
      'UPLOAD_INVALID',
    );
  });

  it('that ends too early is UPLOAD_INVALID', async () => {
    const body = multipart([filePart('clip', 'a.mp4', 'x'.repeat(5000))], { isComplete: false });
    await expectProblem(await postMultipart(address, body), 'UPLOAD_INVALID');
    await expectProblem(
      await postMultipart(address, Buffer.from(`--${BOUNDARY}\r\nContent-Disp`)),
      'UPLOAD_INVALID',
    );
    await expectProblem(await postMultipart(address, Buffer.alloc(0)), 'UPLOAD_INVALID');
  });

  it('with two files, or a file in another part, is UPLOAD_INVALID', async () => {
    const clip = await readFile(CLIP);
    const two = [filePart('clip', 'a.mp4', clip), filePart('clip', 'b.mp4', clip)];
    expect(
      (await expectProblem(await postMultipart(address, multipart(two)), 'UPLOAD_INVALID')).detail,
    ).toContain('one file');
    const elsewhere = await postMultipart(address, multipart([filePart('video', 'a.mp4', clip)]));
    expect((await expectProblem(elsewhere, 'UPLOAD_INVALID')).detail).toContain('"clip"');
  });

  it('with many fields, long names, long values or many headers is refused', async () => {
    const many = Array.from({ length: 500 }, (_, index) => textPart(`field${index}`, 'x'));
    await expectProblem(await postMultipart(address, multipart(many)), 'UPLOAD_INVALID');
    const longName = await postMultipart(address, multipart([textPart('k'.repeat(101), '1')]));
    await expectProblem(longName, 'UPLOAD_INVALID');
    const longValue = await postMultipart(address, multipart([textPart('collection', 'x'.repeat(4097))]));
    expect((await expectProblem(longValue, 'REQUEST_INVALID')).errors?.[0]?.field).toBe('collection');
    const headers = Array.from({ length: 5000 }, (_, index) => `X-${index}: x`);
    const manyHeaders = multipart([
      { headers: ['Content-Disposition: form-data; name="k"', ...headers], body: '1' },
    ]);
    const refused = await postMultipart(address, manyHeaders);
    expect(refused.status).toBe(400);
  });

  it('with a field given twice, or as a nested one, is REQUEST_INVALID', async () => {
    const clip = filePart('clip', 'a.mp4', await readFile(CLIP));
    for (const parts of [
      [textPart('k', '1'), textPart('k', '2'), clip],
      [textPart('k[]', '1'), clip],
    ]) {
      const response = await postMultipart(address, multipart(parts));
      expect(response.status).toBe(400);
    }
  });

  it('larger than allowed is UPLOAD_TOO_LARGE, announced or not', async () => {
    const large = Buffer.alloc(MAX_UPLOAD_BYTES + 1);
    // Just above: only counting tells. Far above: the announcement does.
    for (const size of [MAX_UPLOAD_BYTES + 1, MAX_UPLOAD_BYTES + 200_000]) {
      const body = multipart([filePart('clip', 'a.mp4', Buffer.alloc(size))]);
      const { detail } = await expectProblem(await postMultipart(address, body), 'UPLOAD_TOO_LARGE');
      expect(detail).toContain(String(MAX_UPLOAD_BYTES));
    }
    const chunked = new ReadableStream({
      start(controller) {
        controller.enqueue(multipart([filePart('clip', 'a.mp4', large)]));
        controller.close();
      },
    });
    const response = await fetch(address, {
      method: 'POST',
      headers: { 'Content-Type': `multipart/form-data; boundary=${BOUNDARY}` },
      body: chunked,
      duplex: 'half',
    } as RequestInit);
    await expectProblem(response, 'UPLOAD_TOO_LARGE');
  });

  it('with a NUL in the name of its file is refused', async () => {
    const body = multipart([filePart('clip', 'a\0b.mp4', await readFile(CLIP))]);
    await expectProblem(await postMultipart(address, body), 'UPLOAD_INVALID');
  });

  it.each([
    'application/json',
    'application/x-www-form-urlencoded',
    'multipart/mixed; boundary=x',
    'text/plain',
    'video/mp4',
    'multipart/form-data, application/json',
  ])('that calls itself %s is refused', async (contentType) => {
    const response = await postMultipart(address, multipart([filePart('clip', 'a.mp4', 'x')]), contentType);
    expect(response.status === 400 || response.status === 415).toBe(true);
  });

  it.each([
    '$(id)`id`;id.mp4',
    '| nc 127.0.0.1 1.mp4',
    '../../../../etc/cron.d/x',
    'C:\\\\Windows\\\\x.mp4',
    'a/b/c.mp4',
    `${'n'.repeat(4096)}.mp4`,
    '-i.mp4',
    'concat:x|y.mp4',
    '%0d%0aSet-Cookie: a=b.mp4',
    '日本語 "quoted".mp4'.replaceAll('"', '%22'),
    '\u202Egpj.mp4',
  ])('may name its file as it likes (%#): the name is never used', async (fileName) => {
    const before = await readdir(live.cliptrace.dataFolder.root);
    const body = multipart([filePart('clip', fileName, await readFile(CLIP))]);
    const response = await postMultipart(address, body);
    expect(response.status, await response.clone().text()).toBe(200);
    await expect(readdir(live.cliptrace.dataFolder.root)).resolves.toEqual(before);
  });
});

describe('a connection', () => {
  const head = (length: number) =>
    `POST /api/v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=${BOUNDARY}\r\n` +
    `Content-Length: ${length}\r\nConnection: close\r\n\r\n`;

  it('cut off midway leaves nothing behind', async () => {
    const body = multipart([filePart('clip', 'a.mp4', Buffer.alloc(100_000))]);
    const bytes = Buffer.concat([Buffer.from(head(body.length)), body.subarray(0, 60_000)]);
    await sendRaw(live.url, bytes, { cutOff: true });
  });

  it('that sends one byte a second is ended by the time limit', async () => {
    const socket = connect(Number(new URL(live.url).port), '127.0.0.1');
    let received = '';
    socket.setEncoding('utf8').on('data', (text) => {
      received += text;
    });
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(head(100_000) + multipart([filePart('clip', 'a.mp4', '')]).subarray(0, -10));
    const trickle = setInterval(() => socket.write('x'), 1000);
    await closed;
    clearInterval(trickle);
    expect(received).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('that stops sending is ended by the time limit', async () => {
    const body = multipart([filePart('clip', 'a.mp4', Buffer.alloc(100_000))]);
    const bytes = Buffer.concat([Buffer.from(head(body.length)), body.subarray(0, 60_000)]);
    // Node looks at its connections every 30 s at most; the socket's own limit in the helper is longer.
    const answer = await sendRaw(live.url, bytes);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('given up during the search frees its place and its file', async () => {
    const form = await formWith('clip', samplePath('bottle-detection'), { k: '1' });
    const abort = new AbortController();
    const asked = postForm(address, form, { signal: abort.signal });
    await until('the upload to arrive', async () => (await live.temporaryFiles()).length > 0);
    abort.abort();
    await expect(asked).rejects.toThrow();
    await until('the file to go', async () => (await live.temporaryFiles()).length === 0);
  });
});
