import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CliptraceClient, type CreatedWatch } from '../../server/client/index.js';
import { between, seeded } from '../fixtures/seeded.js';
import { makeTinyVideos } from '../fixtures/tiny-archive.js';
import { type Served, serve } from '../helpers/served.js';
import { createWorkspace, type Workspace } from '../helpers/workspace.js';
import { until } from '../server/tools/http.js';
import { samplePath } from '../server/tools/live-server.js';
import { blobOf, settled } from '../webhooks/live-watches.js';
import { isSignedBy, type Received, type Receiver, startReceiver } from '../webhooks/receiver.js';

let workspace: Workspace;
let receiver: Receiver;

beforeEach(async () => {
  workspace = createWorkspace();
  receiver = await startReceiver();
});

afterEach(async () => {
  await receiver.close();
  workspace.remove();
});

function start(): Promise<Served> {
  return serve(workspace.data, { CLIPTRACE_WEBHOOK_ALLOW: '127.0.0.1' });
}

function clientOf({ api }: Served): CliptraceClient {
  return new CliptraceClient({ url: api.replace('/api/v1', '') });
}

async function watchFor(sample: string, threshold: number): Promise<CreatedWatch> {
  const served = await start();
  const clip = await blobOf(samplePath(sample));
  const watch = await clientOf(served).createWatch(clip, { url: receiver.url, threshold });
  expect(await served.stop()).toBe(0);
  return watch;
}

function ids(received: readonly Received[]): Set<unknown> {
  return new Set(received.map(({ headers }) => headers['webhook-id']));
}

describe('a match', () => {
  it('of a video that another process indexed is delivered once, though the server is killed in the middle of it', async () => {
    const watch = await watchFor('classroom', 0.9);
    await workspace.addSample('classroom.mp4');
    expect((await workspace.cli(['index', workspace.archive, '--no-calibrate'])).code).toBe(0);
    receiver.reply = () => undefined;
    const first = await start();
    await receiver.count(1);
    // The receiver has it; the library does not know.
    await first.kill();
    receiver.reply = (response) => void response.writeHead(204).end();
    const second = await start();
    const [before, after] = (await receiver.count(2)) as [Received, Received];
    expect(ids([before, after]).size).toBe(1);
    expect(after.body).toBe(before.body);
    expect(isSignedBy(watch.secret, after)).toBe(true);
    await settled(clientOf(second), watch);
    const { deliveries } = await clientOf(second).listDeliveries(watch.id);
    expect(deliveries).toMatchObject([{ status: 'succeeded', attemptCount: 1 }]);
    expect(await second.stop()).toBe(0);
    expect(receiver.received).toHaveLength(2);
  });

  it('is neither lost nor doubled by kills of the indexing and of the server at random moments', {
    timeout: 280_000,
  }, async () => {
    const random = seeded(Number(process.env.TEST_KILL_SEED ?? 1));
    // Everything is like it enough.
    const watch = await watchFor('classroom', 0);
    const videos = await makeTinyVideos(workspace.archive, 8);
    for (let kill = 0; kill < 2; kill += 1) {
      await workspace.cli(['index', workspace.archive, '--no-calibrate'], {
        killAfterMs: between(random, 500, 3500),
      });
    }
    for (let kill = 0; kill < 3; kill += 1) {
      const served = await start();
      await sleep(between(random, 0, 400));
      await served.kill();
    }
    expect((await workspace.cli(['index', workspace.archive, '--no-calibrate'])).code).toBe(0);
    const served = await start();
    const client = clientOf(served);
    // One that was sent before a kill may come again: requests alone do not tell that all have come.
    await until('a delivery of each video', () => ids(receiver.received).size >= videos.length);
    await settled(client, watch);
    const { deliveries } = await client.listDeliveries(watch.id, { limit: 200 });
    expect(new Set(deliveries.map(({ videoId }) => videoId)).size).toBe(videos.length);
    expect(deliveries).toHaveLength(videos.length);
    expect(deliveries.every(({ status }) => status === 'succeeded')).toBe(true);
    // What was sent twice, because the server died before it could note the answer, has the same id.
    expect(ids(receiver.received).size).toBe(videos.length);
    expect(await served.stop()).toBe(0);
  });

  it('ends in time when the server is stopped during a delivery, which is made at the next start', async () => {
    const watch = await watchFor('classroom', 0.9);
    await workspace.addSample('classroom.mp4');
    await workspace.cli(['index', workspace.archive, '--no-calibrate']);
    receiver.reply = () => undefined;
    const first = await start();
    await receiver.count(1);
    const startedMs = Date.now();
    expect(await first.stop()).toBe(0);
    expect(Date.now() - startedMs).toBeLessThan(10_000);
    receiver.reply = (response) => void response.writeHead(204).end();
    const second = await start();
    await receiver.count(2);
    await settled(clientOf(second), watch);
    expect(ids(receiver.received).size).toBe(1);
    // To be stopped is no failed attempt.
    expect((await clientOf(second).listDeliveries(watch.id)).deliveries).toMatchObject([{ attemptCount: 1 }]);
    await second.stop();
  });
});
