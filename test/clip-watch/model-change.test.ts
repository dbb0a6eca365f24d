import { afterEach, beforeEach, expect, it } from 'vitest';
import { createWorkspace, indexInto, type Workspace } from '../helpers/workspace.js';
import { until } from '../server/tools/http.js';
import { samplePath } from '../server/tools/live-server.js';
import { blobOf, serving } from '../webhooks/live-watches.js';
import { type Receiver, startReceiver } from '../webhooks/receiver.js';

const OTHER_MODEL = { CLIPTRACE_PRECISION: 'int8' };

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

const paths = () => receiver.received.map(({ path }) => path);

it('another model embeds what is watched for anew; until it has, the watch says so, and misses nothing', async () => {
  const source = await workspace.addSample('worker-zone-detection.mp4');
  const before = await workspace.open();
  await indexInto(before, [source]);
  let [byClip, byVideo] = [0, 0];
  await serving(before, async (client) => {
    const clip = await blobOf(samplePath('classroom'));
    byClip = (await client.createWatch(clip, { url: `${receiver.url}/clip` })).id;
    byVideo = (await client.createWatchByVideo({ videoId: 1, url: `${receiver.url}/video` })).id;
  });

  const after = await workspace.open('write', OTHER_MODEL);
  expect(after.encoder.manifest.id).not.toBe(before.encoder.manifest.id);
  // Before anything was embedded anew: one for each of the two.
  const classroom = await workspace.addSample('classroom.mp4');
  const copy = await workspace.addSample('worker-zone-detection.mp4', 'copy.mp4');
  await indexInto(after, [classroom, copy], { collection: 'later' });
  await serving(after, async (client) => {
    await receiver.count(1);
    expect(paths()).toEqual(['/hook/clip']);
    expect(await client.getWatch(byClip)).toMatchObject({
      status: 'active',
      modelId: after.encoder.manifest.id,
    });
    const stale = await until('the look at the stale one', async () => {
      const watch = await client.getWatch(byVideo);
      return watch.reason?.message.includes('could not') ? watch : false;
    });
    expect(stale).toMatchObject({ status: 'stale', reason: { code: 'MODEL_CHANGED' } });
    expect(stale.reason?.message).toContain(after.encoder.manifest.id);
    // The video that it was made from is embedded by the new model, too.
    await after.jobs.start();
    const request = { type: 'index', paths: [source], collection: 'default' } as const;
    const job = await after.jobs.submit({ ...request, paths: [source], labelFrom: null, prune: false });
    expect((await after.jobs.wait(job.id)).status).toBe('done');
    await receiver.count(2);
    expect(paths()).toEqual(['/hook/clip', '/hook/video']);
    expect((await client.getWatch(byVideo)).status).toBe('active');
    // What was there before the watch is no news, though it was embedded just now.
    expect((await client.listDeliveries(byVideo)).deliveries).toHaveLength(1);
    expect((await client.listDeliveries(byClip)).deliveries).toHaveLength(1);
  });
});
