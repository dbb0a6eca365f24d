import { readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CliptraceClient, type Watch } from '../../server/client/index.js';
import { blobOf, webhookConfiguration } from '../webhooks/live-watches.js';
import { type Receiver, startReceiver } from '../webhooks/receiver.js';
import { expectProblem, formWith, postForm, postJson, until } from './tools/http.js';
import { bearer, makeKey } from './tools/keys.js';
import { type LiveServer, samplePath, startLiveServer } from './tools/live-server.js';

let live: LiveServer;
let receiver: Receiver;
const keys = { admin: '', both: '', ingest: '', search: '', bound: '' };

beforeAll(async () => {
  receiver = await startReceiver();
  live = await startLiveServer({
    videos: ['people-detection'],
    configuration: { ...webhookConfiguration('127.0.0.1'), authentication: true, maxWatches: 4 },
    prepare: async ({ library }) => {
      keys.admin = await makeKey(library, ['admin']);
      keys.both = await makeKey(library, ['ingest', 'search']);
      keys.ingest = await makeKey(library, ['ingest']);
      keys.search = await makeKey(library, ['search']);
      keys.bound = await makeKey(library, ['ingest', 'search'], ['mine']);
    },
  });
});

afterAll(async () => {
  await live.close();
  await receiver.close();
});

function client(key: keyof typeof keys): CliptraceClient {
  return new CliptraceClient({ url: live.url, key: keys[key] });
}

async function withWatch(
  work: (watch: Watch & { secret: string }) => Promise<void>,
  fields: object = {},
): Promise<void> {
  const watch = await client('admin').createWatchByVideo({ videoId: 1, url: receiver.url, ...fields });
  try {
    await work(watch);
  } finally {
    await client('admin')
      .removeWatch(watch.id)
      .catch(() => undefined);
  }
}

describe('watches over HTTP', () => {
  it('need both scopes, to make and to look at', async () => {
    await withWatch(async ({ id }) => {
      for (const key of ['ingest', 'search'] as const) {
        const refused = { code: 'KEY_NOT_ALLOWED' };
        await expect(client(key).createWatchByVideo({ videoId: 1, url: receiver.url })).rejects.toMatchObject(
          refused,
        );
        await expect(client(key).listWatches()).rejects.toMatchObject(refused);
        await expect(client(key).getWatch(id)).rejects.toMatchObject(refused);
        await expect(client(key).listDeliveries(id)).rejects.toMatchObject(refused);
        await expect(client(key).removeWatch(id)).rejects.toMatchObject(refused);
        await expect(client(key).testWatch(id)).rejects.toMatchObject(refused);
      }
      expect((await client('both').getWatch(id)).id).toBe(id);
      await expectProblem(await fetch(`${live.api}/watches`), 'KEY_REQUIRED');
    });
  });

  it('of other collections do not exist for a key that is bound to some', async () => {
    const bound = client('bound');
    await expect(
      bound.createWatch(await blobOf(samplePath('classroom')), { url: receiver.url }),
    ).rejects.toMatchObject({
      code: 'KEY_NOT_ALLOWED',
    });
    await expect(
      bound.createWatch(await blobOf(samplePath('classroom')), { url: receiver.url, collection: 'default' }),
    ).rejects.toMatchObject({ code: 'KEY_NOT_ALLOWED' });
    // A video of a collection that is not theirs cannot be watched for either.
    await expect(
      bound.createWatchByVideo({ videoId: 1, url: receiver.url, collection: 'mine' }),
    ).rejects.toMatchObject({
      code: 'VIDEO_NOT_FOUND',
    });
    const own = await bound.createWatch(await blobOf(samplePath('classroom')), {
      url: receiver.url,
      collection: 'mine',
    });
    await withWatch(async (everywhere) => {
      await withWatch(
        async (elsewhere) => {
          expect((await bound.listWatches()).watches.map(({ id }) => id)).toEqual([own.id]);
          for (const { id } of [everywhere, elsewhere]) {
            const missing = { code: 'WATCH_NOT_FOUND' };
            await expect(bound.getWatch(id)).rejects.toMatchObject(missing);
            await expect(bound.updateWatch(id, { status: 'paused' })).rejects.toMatchObject(missing);
            await expect(bound.rotateWatchSecret(id)).rejects.toMatchObject(missing);
            const { id: deliveryId } = await client('admin').testWatch(id);
            await expect(bound.getDelivery(id, deliveryId)).rejects.toMatchObject(missing);
            await expect(bound.getDelivery(own.id, deliveryId)).rejects.toMatchObject({
              code: 'DELIVERY_NOT_FOUND',
            });
            await expect(bound.redeliver(own.id, deliveryId)).rejects.toMatchObject({
              code: 'DELIVERY_NOT_FOUND',
            });
          }
        },
        { collection: 'elsewhere' },
      );
    });
    await bound.removeWatch(own.id);
  });

  it('tell their secret once, and the log never does', async () => {
    await withWatch(async (watch) => {
      expect(watch.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
      const { secret } = await client('admin').rotateWatchSecret(watch.id);
      const { id } = await client('admin').testWatch(watch.id);
      await until('the test', async () => (await client('admin').getDelivery(watch.id, id)).attemptCount > 0);
      const answers = [
        await client('admin').getWatch(watch.id),
        await client('admin').listWatches(),
        await client('admin').updateWatch(watch.id, { name: 'other' }),
        await client('admin').listDeliveries(watch.id),
        await client('admin').getDelivery(watch.id, id),
      ];
      for (const text of [...answers, live.log].map((answer) => JSON.stringify(answer))) {
        for (const known of [watch.secret, secret]) expect(text).not.toContain(known);
      }
    });
  });

  it('lie in a file that other users of the machine cannot read', () => {
    const { databaseFile } = live.cliptrace.dataFolder;
    for (const file of [databaseFile, `${databaseFile}-wal`]) expect(statSync(file).mode & 0o007).toBe(0);
    expect(readFileSync(databaseFile).subarray(0, 6).toString()).toBe('SQLite');
  });

  it('lead to no address that is not public', async () => {
    const bare = await startLiveServer({ videos: ['people-detection'] });
    try {
      for (const host of [
        'localhost',
        '127.0.0.1',
        '2130706433',
        '0x7f.1',
        '0177.0.0.1',
        '127.1',
        '[::1]',
        '[::ffff:127.0.0.1]',
        '[::ffff:7f00:1]',
        '[::]',
        '0.0.0.0',
        '10.0.0.1',
        '169.254.169.254',
        '[fe80::1]',
        '[fd00::1]',
        '[64:ff9b::127.0.0.1]',
        '[2002:7f00:1::]',
      ]) {
        const url = `http://${host}:${receiver.port}/`;
        const response = await postJson(`${bare.api}/watches`, { videoId: 1, url });
        const { detail } = await expectProblem(response, 'WEBHOOK_ADDRESS_REFUSED');
        expect(detail).toContain('CLIPTRACE_WEBHOOK_ALLOW');
      }
      const own = await postJson(`${bare.api}/watches`, { videoId: 1, url: `${bare.api}/search` });
      await expectProblem(own, 'WEBHOOK_ADDRESS_REFUSED');
      for (const url of ['ftp://example.org/', 'https://a:b@example.org/', 'hooks']) {
        const response = await postJson(`${bare.api}/watches`, { videoId: 1, url });
        await expectProblem(response, 'WEBHOOK_URL_INVALID');
      }
    } finally {
      await bare.close();
    }
  });

  it('are refused with a reason when something is wrong with the clip or the request, and leave nothing behind', async () => {
    const post = async (clip: string, fields: Record<string, string>) =>
      postForm(`${live.api}/watches`, await formWith('clip', clip, fields), bearer(keys.admin));
    const text = new URL(import.meta.url).pathname;
    const clip = samplePath('classroom');
    await expectProblem(await post(text, { url: receiver.url }), 'NOT_A_VIDEO');
    await expectProblem(await post(clip, {}), 'REQUEST_INVALID');
    await expectProblem(await post(clip, { url: receiver.url, threshold: '2' }), 'REQUEST_INVALID');
    await expectProblem(await post(clip, { url: receiver.url, startSeconds: '100' }), 'RANGE_NOT_IN_VIDEO');
    const byVideo = (body: object) => postJson(`${live.api}/watches`, body, bearer(keys.admin));
    await expectProblem(await byVideo({ videoId: 99, url: receiver.url }), 'VIDEO_NOT_FOUND');
    await expectProblem(await byVideo({ url: receiver.url }), 'REQUEST_INVALID');
    const nothing = await fetch(`${live.api}/watches/1`, {
      method: 'PATCH',
      headers: { ...bearer(keys.admin).headers, 'Content-Type': 'application/json' },
      body: '{}',
    });
    await expectProblem(nothing, 'REQUEST_INVALID');
    await expect(client('admin').getWatch(999)).rejects.toMatchObject({ code: 'WATCH_NOT_FOUND' });
    expect(await live.temporaryFiles()).toEqual([]);
    expect(await live.cliptrace.library.watches.clipPaths()).toEqual([]);
  });

  it('come in pages, as deliveries do, and are bounded in number', async () => {
    const made = [];
    for (let i = 0; i < 4; i += 1) {
      made.push(await client('admin').createWatchByVideo({ videoId: 1, url: receiver.url, name: `w${i}` }));
    }
    const tooMany = await postForm(
      `${live.api}/watches`,
      await formWith('clip', samplePath('classroom'), { url: receiver.url }),
      bearer(keys.admin),
    );
    await expectProblem(tooMany, 'TOO_MANY_WATCHES');
    expect(await live.cliptrace.library.watches.clipPaths()).toEqual([]);
    const first = await client('admin').listWatches({ limit: 3 });
    expect(first.watches.map(({ name }) => name)).toEqual(['w3', 'w2', 'w1']);
    const second = await client('admin').listWatches({ limit: 3, cursor: first.nextCursor ?? '' });
    expect([second.watches.map(({ name }) => name), second.nextCursor]).toEqual([['w0'], null]);
    const id = made[0]?.id as number;
    const tests = [];
    for (let i = 0; i < 3; i += 1) tests.push((await client('admin').testWatch(id)).id);
    const page = await client('admin').listDeliveries(id, { limit: 2 });
    const rest = await client('admin').listDeliveries(id, { limit: 2, cursor: page.nextCursor ?? '' });
    expect([...page.deliveries, ...rest.deliveries].map((one) => one.id)).toEqual(tests.reverse());
    await until('the tests', async () => (await client('admin').getWatch(id)).pendingDeliveries === 0);
    expect((await client('admin').listDeliveries(id, { status: 'failed' })).deliveries).toEqual([]);
    expect((await client('admin').listDeliveries(id, { status: 'succeeded' })).deliveries).toHaveLength(3);
    for (const watch of made) await client('admin').removeWatch(watch.id);
  });

  it('and deliveries are counted', async () => {
    await withWatch(async ({ id }) => {
      await client('admin').testWatch(id);
      await until('the test', async () => (await client('admin').getWatch(id)).pendingDeliveries === 0);
      const text = await client('admin').getMetrics();
      expect(text).toMatch(/^cliptrace_webhook_attempts_total\{outcome="succeeded"\} [1-9]/m);
      expect(text).toContain('cliptrace_webhook_deliveries_pending 0');
      expect(text).toContain('cliptrace_watches{status="active"} 1');
    });
  });
});
