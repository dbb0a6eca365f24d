import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CliptraceClient } from '../../server/client/index.js';
import { temporaryFolder } from '../fixtures/videos.js';
import { until } from '../server/tools/http.js';
import { type LiveServer, samplePath, startLiveServer } from '../server/tools/live-server.js';
import {
  addSample,
  blobOf,
  clipOf,
  indexFile,
  settled,
  webhookConfiguration,
} from '../webhooks/live-watches.js';
import { isSignedBy, type Received, type Receiver, startReceiver } from '../webhooks/receiver.js';

const folder = temporaryFolder();
let live: LiveServer;
let client: CliptraceClient;
let receiver: Receiver;

beforeAll(async () => {
  live = await startLiveServer({ videos: ['people-detection'], configuration: webhookConfiguration() });
  client = new CliptraceClient({ url: live.url });
});

afterAll(() => live.close());

beforeEach(async () => {
  receiver = await startReceiver();
});

afterEach(async () => {
  for (const { id } of (await client.listWatches()).watches) await client.removeWatch(id);
  await receiver.close();
});

function told(): { data: { watch: { id: number }; video: { id: number; title: string } } }[] {
  return receiver.received.map(({ body }) => JSON.parse(body));
}

describe('a clip that is watched for', () => {
  it('is told of when a video that shows it is uploaded, once, signed, and of no other', async () => {
    const clip = await clipOf(folder.path, 'nasa-13013', 9);
    const watch = await client.createWatch(
      clip,
      { name: 'Rocket', url: receiver.url },
      { fileName: 'a.mp4' },
    );
    expect(watch).toMatchObject({ status: 'active', reason: null, collection: null, threshold: 0.9 });
    await addSample(live, 'worker-zone-detection');
    const videoId = await addSample(live, 'nasa-13013', 'space');
    await settled(client, watch);
    expect(receiver.received).toHaveLength(1);
    const [one] = receiver.received as [Received];
    expect(isSignedBy(watch.secret, one)).toBe(true);
    expect(isSignedBy(`whsec_${Buffer.alloc(32).toString('base64')}`, one)).toBe(false);
    expect(isSignedBy(watch.secret, { ...one, body: `${one.body} ` })).toBe(false);
    expect(one).toMatchObject({ method: 'POST', path: '/hook' });
    expect(one.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': expect.stringMatching(/^Cliptrace\//),
    });
    const { type, data } = JSON.parse(one.body);
    expect(type).toBe('watch.matched');
    expect(data).toMatchObject({
      watch: { id: watch.id, name: 'Rocket', collection: null, threshold: 0.9 },
      video: { id: videoId, title: 'nasa-13013', collection: 'space', label: null },
      match: { verdict: 'same-footage', speed: 1, mirrored: false },
    });
    expect(data.match.score).toBeGreaterThan(0.9);
    expect(Math.abs(data.match.startSeconds - 9)).toBeLessThan(0.5);
    // The same score and range as a search finds by the same clip among that video.
    const { hits } = await client.search(clip, { collection: 'space' });
    const { score, startSeconds, endSeconds, parts, similarity, boilerplate } = hits[0] as NonNullable<
      (typeof hits)[0]
    >;
    expect(data.match).toMatchObject({ score, startSeconds, endSeconds, parts, similarity, boilerplate });

    // The same content once more is no news.
    await addSample(live, 'nasa-13013', 'space');
    await settled(client, watch);
    expect(receiver.received).toHaveLength(1);
    const { deliveries } = await client.listDeliveries(watch.id);
    expect(deliveries).toMatchObject([
      {
        type: 'watch.matched',
        status: 'succeeded',
        videoId,
        attemptCount: 1,
        nextAttemptAt: null,
        messageId: one.headers['webhook-id'],
        lastAttempt: { number: 1, responseStatus: 204, error: null },
      },
    ]);
  });

  it('keeps to its collection, and finds what index jobs bring', async () => {
    const clip = await clipOf(folder.path, 'fruit-and-vegetable-detection', 1);
    const [here, everywhere] = [
      await client.createWatch(clip, { url: `${receiver.url}/here`, collection: 'here' }),
      await client.createWatch(clip, { url: `${receiver.url}/everywhere` }),
    ];
    await copyFile(samplePath('fruit-and-vegetable-detection'), join(live.archive, 'fruit.mp4'));
    await indexFile(live, join(live.archive, 'fruit.mp4'), 'elsewhere');
    await settled(client, everywhere);
    expect(receiver.received.map(({ path }) => path)).toEqual(['/hook/everywhere']);
    await indexFile(live, join(live.archive, 'fruit.mp4'), 'here');
    for (const watch of [here, everywhere]) await settled(client, watch);
    expect(receiver.received.map(({ path }) => path).sort()).toEqual([
      '/hook/everywhere',
      '/hook/everywhere',
      '/hook/here',
    ]);
    // Nothing that was sent tells where files lie.
    for (const { body } of receiver.received) expect(body).not.toContain(live.archive);
  });

  it('has a threshold: what only resembles it is told to who wants that', async () => {
    const clip = await clipOf(folder.path, 'face-demographics-walking', 0);
    const strict = await client.createWatch(clip, { url: `${receiver.url}/strict`, threshold: 0.9 });
    const loose = await client.createWatch(clip, { url: `${receiver.url}/loose`, threshold: 0 });
    await addSample(live, 'classroom', 'threshold');
    for (const watch of [strict, loose]) await settled(client, watch);
    expect(receiver.received.map(({ path }) => path)).toEqual(['/hook/loose']);
    const { match } = JSON.parse(receiver.received[0]?.body as string).data;
    expect(match.score).toBeLessThan(0.9);
    // Raised, it holds for what comes then.
    await client.updateWatch(loose.id, { threshold: 0.9 });
    await addSample(live, 'bolt-multi-size-detection', 'threshold');
    expect(receiver.received).toHaveLength(1);
  });

  it('may be a range of a stored video', async () => {
    const sourceId = await addSample(live, 'car-detection', 'source');
    const watch = await client.createWatchByVideo({
      videoId: sourceId,
      startSeconds: 10,
      endSeconds: 16,
      url: receiver.url,
      threshold: 0.2,
    });
    expect(watch).toMatchObject({
      name: 'car-detection',
      source: { videoId: sourceId, startSeconds: 10, endSeconds: 16 },
    });
    const edited = await clipOf(folder.path, 'car-detection', 11, ['eq=brightness=0.06']);
    const job = await client.addVideo(edited, { title: 'copy', collection: 'copies' });
    await live.cliptrace.jobs.wait(job.id);
    await receiver.count(1);
    expect(told()[0]).toMatchObject({ data: { watch: { id: watch.id }, video: { title: 'copy' } } });
  });

  it('is found where a mirror shows it and black borders surround it', async () => {
    const clip = await clipOf(folder.path, 'one-by-one-person-detection', 8, [
      'hflip',
      'pad=iw:ih*1.3:0:(oh-ih)/2',
    ]);
    await client.createWatch(clip, { url: receiver.url, threshold: 0.2 });
    await addSample(live, 'one-by-one-person-detection', 'mirrors');
    await receiver.count(1);
    const { match } = JSON.parse(receiver.received[0]?.body as string).data;
    expect(match.mirrored).toBe(true);
    expect(Math.abs(match.startSeconds - 8)).toBeLessThan(1);
  });

  it('finds nothing while it is paused, and goes on with what comes then', async () => {
    const clip = await clipOf(folder.path, 'store-aisle-detection', 0);
    const watch = await client.createWatch(clip, { url: receiver.url, threshold: 0.5 });
    expect((await client.updateWatch(watch.id, { status: 'paused' })).status).toBe('paused');
    await addSample(live, 'store-aisle-detection', 'paused');
    expect((await client.updateWatch(watch.id, { status: 'active' })).status).toBe('active');
    const later = await addSample(live, 'store-aisle-detection', 'active');
    await settled(client, watch);
    expect(told().map(({ data }) => data.video.id)).toEqual([later]);
  });

  it('is told of new content of a file that was there before', async () => {
    const path = join(live.archive, 'changing.mp4');
    await copyFile(samplePath('classroom'), path);
    await indexFile(live, path, 'changing');
    await client.createWatch(await clipOf(folder.path, 'worker-zone-detection', 0), { url: receiver.url });
    expect(await indexFile(live, path, 'changing')).toBe('unchanged');
    await copyFile(samplePath('worker-zone-detection'), path);
    expect(await indexFile(live, path, 'changing')).toBe('updated');
    await receiver.count(1);
    expect(told()[0]?.data.video.title).toBe('changing');
  });

  it('takes its clip along when it goes', async () => {
    const watch = await client.createWatch(await blobOf(samplePath('classroom')), { url: receiver.url });
    const [clip] = await live.cliptrace.library.watches.clipPaths();
    expect(clip).toContain(live.cliptrace.dataFolder.mediaFolder);
    await client.removeWatch(watch.id);
    expect(await live.cliptrace.library.watches.clipPaths()).toEqual([]);
    await expect(blobOf(clip as string)).rejects.toThrow(/ENOENT/);
    await until('no file', async () => (await live.temporaryFiles()).length === 0);
  });
});
