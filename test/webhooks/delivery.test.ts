import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ResolvedAddress } from '../../index/webhooks/checked-addresses.js';
import { RETRY_SECONDS } from '../../index/webhooks/retry-schedule.js';
import { CliptraceClient, type CreatedWatch, type DeliveryWithAttempts } from '../../server/client/index.js';
import { until } from '../server/tools/http.js';
import { type LiveServer, startLiveServer } from '../server/tools/live-server.js';
import { webhookConfiguration } from './live-watches.js';
import { isSignedBy, type Received, type Receiver, startReceiver } from './receiver.js';

const TIMEOUT_MS = 1000;

/** What the name server says at the moment. */
const names = new Map<string, ResolvedAddress[]>();
let live: LiveServer;
let client: CliptraceClient;
let receiver: Receiver;

beforeAll(async () => {
  live = await startLiveServer({
    videos: ['people-detection'],
    configuration: webhookConfiguration('127.0.0.1,allowed.test', TIMEOUT_MS),
    resolver: async (host) => {
      const addresses = names.get(host);
      if (addresses === undefined) throw Object.assign(new Error('unknown'), { code: 'ENOTFOUND' });
      return addresses;
    },
  });
  client = new CliptraceClient({ url: live.url });
});

afterAll(() => live.close());

beforeEach(async () => {
  receiver = await startReceiver();
});

afterEach(async () => {
  for (const { id } of (await client.listWatches({ limit: 200 })).watches) await client.removeWatch(id);
  await receiver.close();
});

function watchAt(url: string): Promise<CreatedWatch> {
  return client.createWatchByVideo({ videoId: 1, url });
}

let matches = 0;

/** Something to deliver, as a match leaves it in the library. */
async function deliver(watch: { id: number }): Promise<number> {
  matches += 1;
  const written = await live.cliptrace.library.watches.createDelivery({
    watchId: watch.id,
    messageId: `msg_${matches}`,
    type: 'watch.matched',
    videoId: 1000 + matches,
    contentHash: 'x',
    body: JSON.stringify({ match: matches }),
  });
  return written?.id as number;
}

async function when(
  watch: { id: number },
  deliveryId: number,
  is: (delivery: DeliveryWithAttempts) => boolean,
): Promise<DeliveryWithAttempts> {
  return until('the delivery', async () => {
    const delivery = await client.getDelivery(watch.id, deliveryId);
    return is(delivery) ? delivery : false;
  });
}

const tried = (times: number) => (delivery: DeliveryWithAttempts) => delivery.attemptCount >= times;

function secondsUntilNext({ nextAttemptAt, lastAttempt }: DeliveryWithAttempts): number {
  return (Date.parse(nextAttemptAt ?? '') - Date.parse(lastAttempt?.startedAt ?? '')) / 1000;
}

/** A server that never answers, and one that listens where no request may come. */
async function startSilent(): Promise<{ server: Server; url: string; requests: () => number }> {
  let requests = 0;
  const server = createServer(() => {
    requests += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { server, url: `http://127.0.0.1:${port}/`, requests: () => requests };
}

describe('a delivery', () => {
  it('that fails is tried again after a while, under the same id, until it succeeds', async () => {
    const watch = await watchAt(receiver.url);
    receiver.reply = (response) =>
      void response.writeHead(receiver.received.length < 2 ? 500 : 200).end('ok');
    const id = await deliver(watch);
    const failed = await when(watch, id, tried(1));
    expect(failed).toMatchObject({ status: 'pending', endedAt: null });
    expect(secondsUntilNext(failed)).toBeGreaterThanOrEqual(RETRY_SECONDS[0]);
    expect(secondsUntilNext(failed)).toBeLessThan(RETRY_SECONDS[0] * 1.2 + 1);
    const done = await when(watch, id, ({ status }) => status === 'succeeded');
    expect(done).toMatchObject({
      attemptCount: 2,
      nextAttemptAt: null,
      attempts: [
        { number: 1, responseStatus: 500, error: { code: 'WEBHOOK_REFUSED' } },
        { number: 2, responseStatus: 200, error: null },
      ],
    });
    const [first, second] = receiver.received as [Received, Received];
    expect(second.headers['webhook-id']).toBe(first.headers['webhook-id']);
    expect(second.body).toBe(first.body);
    expect(isSignedBy(watch.secret, second)).toBe(true);
  });

  it('waits for a receiver that is down', async () => {
    const { port } = receiver;
    const watch = await watchAt(receiver.url);
    await receiver.close();
    const id = await deliver(watch);
    const failed = await when(watch, id, tried(1));
    expect(failed.lastAttempt).toMatchObject({
      responseStatus: null,
      error: { code: 'WEBHOOK_UNREACHABLE', message: expect.stringContaining('ECONNREFUSED') },
    });
    receiver = await startReceiver(port);
    await receiver.count(1);
    await when(watch, id, ({ status }) => status === 'succeeded');
  });

  it('is given up at the end of the schedule, and can be asked for again', async () => {
    const watch = await watchAt(receiver.url);
    receiver.reply = (response) => void response.writeHead(500).end();
    const id = await deliver(watch);
    const store = live.cliptrace.library.watches;
    const attempt = { startedAt: new Date().toISOString(), durationMs: 1, responseStatus: 500, error: null };
    await when(watch, id, tried(1));
    // What takes a day is not waited for: all but the last attempt are written as the deliverer writes them.
    for (let made = 2; made <= RETRY_SECONDS.length; made += 1) {
      const nextAttemptMs = made === RETRY_SECONDS.length ? Date.now() : Date.now() + 3_600_000;
      await store.recordAttempt(id, attempt, { status: 'pending', nextAttemptMs });
    }
    const given = await when(watch, id, ({ status }) => status === 'failed');
    expect(given).toMatchObject({ attemptCount: RETRY_SECONDS.length + 1, nextAttemptAt: null });
    expect((await client.getWatch(watch.id)).status).toBe('active');

    receiver.reply = (response) => void response.writeHead(200).end();
    const again = await client.redeliver(watch.id, id);
    expect(again).toMatchObject({ id, status: 'pending', messageId: given.messageId });
    await when(watch, id, ({ status }) => status === 'succeeded');
    expect(receiver.received.at(-1)?.headers['webhook-id']).toBe(given.messageId);
  });

  it('waits as long as the receiver asks', async () => {
    const watch = await watchAt(receiver.url);
    receiver.reply = (response) => void response.writeHead(429, { 'Retry-After': '120' }).end();
    const failed = await when(watch, await deliver(watch), tried(1));
    expect(secondsUntilNext(failed)).toBeGreaterThanOrEqual(120);
    expect(secondsUntilNext(failed)).toBeLessThan(146);
  });

  it('follows no redirect', async () => {
    const silent = await startSilent();
    const watch = await watchAt(receiver.url);
    for (const status of [301, 302, 303, 307, 308]) {
      receiver.reply = (response) => void response.writeHead(status, { Location: silent.url }).end();
      const failed = await when(watch, await deliver(watch), tried(1));
      expect(failed.lastAttempt).toMatchObject({
        responseStatus: status,
        error: { code: 'WEBHOOK_REDIRECTED' },
      });
    }
    expect(silent.requests()).toBe(0);
    silent.server.closeAllConnections();
    silent.server.close();
  });

  it('to a receiver that is gone (410) disables the watch, until it is enabled again', async () => {
    const watch = await watchAt(receiver.url);
    receiver.reply = (response) => void response.writeHead(410).end();
    const gone = await when(watch, await deliver(watch), tried(1));
    expect(gone).toMatchObject({ status: 'failed', lastAttempt: { error: { code: 'WEBHOOK_GONE' } } });
    expect(await client.getWatch(watch.id)).toMatchObject({
      status: 'disabled',
      reason: { code: 'WEBHOOK_GONE' },
    });
    receiver.reply = (response) => void response.writeHead(200).end();
    const waiting = await deliver(watch);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(receiver.received).toHaveLength(1);
    expect(await client.updateWatch(watch.id, { status: 'active' })).toMatchObject({
      status: 'active',
      reason: null,
    });
    await when(watch, waiting, ({ status }) => status === 'succeeded');
  });

  it('of a paused watch waits; a test does not', async () => {
    const watch = await watchAt(receiver.url);
    await client.updateWatch(watch.id, { status: 'paused' });
    const waiting = await deliver(watch);
    const test = await client.testWatch(watch.id);
    await when(watch, test.id, ({ status }) => status === 'succeeded');
    expect(receiver.received.map(({ body }) => JSON.parse(body).type)).toEqual(['watch.test']);
    expect(await client.getDelivery(watch.id, waiting)).toMatchObject({ status: 'pending', attemptCount: 0 });
    await client.updateWatch(watch.id, { status: 'active' });
    await when(watch, waiting, ({ status }) => status === 'succeeded');
  });

  it('is not waited for longer than allowed', async () => {
    const silent = await startSilent();
    const watch = await watchAt(silent.url);
    const late = await when(watch, await deliver(watch), tried(1));
    expect(late.lastAttempt).toMatchObject({ responseStatus: null, error: { code: 'WEBHOOK_TIMEOUT' } });
    expect(late.lastAttempt?.durationMs).toBeGreaterThanOrEqual(TIMEOUT_MS - 20);
    expect(late.lastAttempt?.durationMs).toBeLessThan(TIMEOUT_MS + 3000);
    silent.server.closeAllConnections();
    silent.server.close();
  });

  it('reads little of an answer that has no end', async () => {
    const watch = await watchAt(receiver.url);
    let written = 0;
    receiver.reply = (response) => {
      const chunk = Buffer.alloc(64 * 1024);
      const write = () => {
        while (!response.destroyed && response.write(chunk)) written += chunk.length;
      };
      response.on('drain', write).on('error', () => undefined);
      write();
    };
    const done = await when(watch, await deliver(watch), tried(1));
    expect(done.status).toBe('succeeded');
    expect(written).toBeLessThan(32 * 1024 * 1024);
    const before = written;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(written).toBe(before);
  });

  it('takes what is no HTTP for unreachable', async () => {
    const watch = await watchAt(receiver.url);
    receiver.reply = (response) => void response.socket?.end('SSH-2.0-OpenSSH\r\n');
    const failed = await when(watch, await deliver(watch), tried(1));
    expect(failed.lastAttempt?.error?.code).toBe('WEBHOOK_UNREACHABLE');
  });

  it('is not held up by receivers that do not answer', async () => {
    const silent = await startSilent();
    for (let i = 0; i < 12; i += 1) {
      const dead = await watchAt(silent.url);
      for (let j = 0; j < 6; j += 1) await deliver(dead);
    }
    const good = await watchAt(receiver.url);
    for (let i = 0; i < 5; i += 1) await deliver(good);
    const startedMs = Date.now();
    await receiver.count(5);
    expect(Date.now() - startedMs).toBeLessThan(10_000);
    silent.server.closeAllConnections();
    silent.server.close();
  });

  it('is signed by the old secret, too, for a day after a new one was made', async () => {
    const watch = await watchAt(receiver.url);
    const { secret, previousSecretUntil } = await client.rotateWatchSecret(watch.id);
    expect(secret).not.toBe(watch.secret);
    expect(Date.parse(previousSecretUntil) - Date.now()).toBeGreaterThan(23 * 3_600_000);
    await deliver(watch);
    const [one] = (await receiver.count(1)) as [Received];
    expect(isSignedBy(secret, one)).toBe(true);
    expect(isSignedBy(watch.secret, one)).toBe(true);
    await live.cliptrace.library.watches.rotateSecret(watch.id, secret, '2020-01-01T00:00:00.000Z');
    await deliver(watch);
    const [, two] = (await receiver.count(2)) as [Received, Received];
    expect(two.headers['webhook-signature']).not.toContain(' ');
  });
});

describe('the host of a webhook', () => {
  const loopback: ResolvedAddress = { address: '127.0.0.1', family: 4 };

  it('is resolved by us, once: the connection goes to what was checked', async () => {
    names.set('allowed.test', [loopback]);
    // The system knows no such name: only what our resolver said can lead there.
    await watchAt(`http://allowed.test:${receiver.port}/named`).then(deliver);
    const [one] = (await receiver.count(1)) as [Received];
    expect(one).toMatchObject({ path: '/named', headers: { host: `allowed.test:${receiver.port}` } });
  });

  it('is checked at each delivery: a name that leads elsewhere later is not followed', async () => {
    const silent = await startSilent();
    names.set('rebinding.test', [{ address: '1.1.1.1', family: 4 }]);
    const watch = await watchAt(silent.url.replace('127.0.0.1', 'rebinding.test'));
    for (const addresses of [
      [{ address: '127.0.0.2', family: 4 as const }],
      [{ address: '::1', family: 6 as const }],
      [{ address: '::ffff:127.0.0.2', family: 6 as const }],
      [
        { address: '1.1.1.1', family: 4 as const },
        { address: '10.0.0.1', family: 4 as const },
      ],
    ]) {
      names.set('rebinding.test', addresses);
      const refused = await when(watch, await deliver(watch), tried(1));
      expect(refused.lastAttempt).toMatchObject({
        responseStatus: null,
        error: { code: 'WEBHOOK_ADDRESS_REFUSED' },
      });
    }
    expect(silent.requests()).toBe(0);
    silent.server.close();
  });

  it('is not waited for at the end of a server: the attempt does not count', async () => {
    let answers = [loopback];
    const slow = await startLiveServer({
      videos: ['people-detection'],
      configuration: webhookConfiguration('allowed.test'),
      resolver: () => (answers.length > 0 ? Promise.resolve(answers) : new Promise(() => undefined)),
    });
    const { watches } = slow.cliptrace.library;
    const made = new CliptraceClient({ url: slow.url });
    const { id } = await made.createWatchByVideo({ videoId: 1, url: 'http://allowed.test/' });
    answers = [];
    await made.testWatch(id);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const startedMs = Date.now();
    await slow.server.close();
    expect(Date.now() - startedMs).toBeLessThan(6000);
    const { items } = await watches.listDeliveries({ watchId: id, limit: 1 });
    expect(items).toMatchObject([{ status: 'pending', attemptCount: 0 }]);
    await slow.close();
  });

  it('must be known when the watch is made', async () => {
    await expect(watchAt('https://nowhere.test/')).rejects.toMatchObject({ code: 'WEBHOOK_HOST_UNKNOWN' });
    names.set('inner.test', [{ address: '192.168.0.1', family: 4 }]);
    await expect(watchAt('https://inner.test/')).rejects.toMatchObject({ code: 'WEBHOOK_ADDRESS_REFUSED' });
    const watch = await watchAt(receiver.url);
    await expect(client.updateWatch(watch.id, { url: 'https://inner.test/' })).rejects.toMatchObject({
      code: 'WEBHOOK_ADDRESS_REFUSED',
    });
    expect((await client.getWatch(watch.id)).url).toBe(receiver.url);
  });
});
