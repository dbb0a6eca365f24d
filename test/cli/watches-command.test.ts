import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CliptraceClient, type CreatedWatch } from '../../server/client/index.js';
import { runMain, type Said } from '../helpers/run-main.js';
import { type LiveServer, samplePath, startLiveServer } from '../server/tools/live-server.js';
import { blobOf, settled, webhookConfiguration } from '../webhooks/live-watches.js';
import { type Receiver, startReceiver } from '../webhooks/receiver.js';

let live: LiveServer;
let client: CliptraceClient;
let receiver: Receiver;
let watch: CreatedWatch;

beforeAll(async () => {
  receiver = await startReceiver();
  live = await startLiveServer({ videos: ['people-detection'], configuration: webhookConfiguration() });
  client = new CliptraceClient({ url: live.url });
  watch = await client.createWatch(await blobOf(samplePath('classroom')), {
    url: receiver.url,
    name: 'Class',
  });
});

afterAll(async () => {
  await live.close();
  await receiver.close();
});

/** Beside the server, which holds the data folder. */
function watches(...args: string[]): Promise<Said> {
  return runMain(['watches', ...args], { ...process.env, CLIPTRACE_DATA: live.cliptrace.dataFolder.root });
}

describe('cliptrace watches', () => {
  it('lists watches and deliveries, without secrets', async () => {
    await client.testWatch(watch.id);
    await settled(client, watch);
    const table = await watches();
    expect(table.out).toContain('Class');
    const listed = await watches('list', '--json');
    expect(JSON.parse(listed.out).watches).toMatchObject([
      { id: watch.id, url: receiver.url, status: 'active' },
    ]);
    const deliveries = await watches('deliveries', String(watch.id));
    expect(deliveries.out).toMatch(/watch\.test +- +succeeded +1 +204/);
    const asJson = await watches('deliveries', String(watch.id), '--json');
    expect(JSON.parse(asJson.out).deliveries).toMatchObject([{ type: 'watch.test', attemptCount: 1 }]);
    for (const { out, err } of [table, listed, deliveries, asJson]) {
      expect(out + err).not.toContain(watch.secret);
    }
  });

  it('pauses and resumes, which the server obeys', async () => {
    expect((await watches('pause', String(watch.id))).out).toContain('is paused');
    expect((await client.getWatch(watch.id)).status).toBe('paused');
    const resumed = await watches('resume', String(watch.id), '--json');
    expect(JSON.parse(resumed.out)).toMatchObject({ status: 'active' });
  });

  it('removes one with its clip, and refuses what is none', async () => {
    const [clip] = await live.cliptrace.library.watches.clipPaths();
    expect((await watches('remove', String(watch.id))).code).toBe(0);
    expect(existsSync(clip as string)).toBe(false);
    await expect(client.getWatch(watch.id)).rejects.toMatchObject({ code: 'WATCH_NOT_FOUND' });
    for (const action of ['remove', 'pause', 'resume', 'deliveries']) {
      const gone = await watches(action, String(watch.id));
      expect([gone.code, gone.err]).toEqual([1, expect.stringContaining('WATCH_NOT_FOUND')]);
    }
    expect((await watches('burn', '1')).code).toBe(2);
    expect((await watches('remove')).code).toBe(2);
    expect((await watches('remove', 'x')).err).toContain('no watch id');
  });
});
