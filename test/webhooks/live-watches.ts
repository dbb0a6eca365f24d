import { readFile } from 'node:fs/promises';
import { pino } from 'pino';
import type { OpenedCliptrace } from '../../index/cliptrace.js';
import { CliptraceClient } from '../../server/client/index.js';
import type { Watch } from '../../server/client/types.js';
import { loadServerConfiguration } from '../../server/configuration.js';
import { startServer } from '../../server/server.js';
import { ffmpeg } from '../fixtures/videos.js';
import { until } from '../server/tools/http.js';
import { type LiveServer, samplePath } from '../server/tools/live-server.js';

/** Lets webhooks reach receivers of the tests. */
export function webhookConfiguration(allow = '127.0.0.1', timeoutMs = 15_000) {
  return {
    webhooks: { ...loadServerConfiguration({ CLIPTRACE_WEBHOOK_ALLOW: allow }).webhooks, timeoutMs },
  };
}

/** Starts a server for the opened product, with such webhooks, and closes both when the work is done. */
export async function serving(
  cliptrace: OpenedCliptrace,
  work: (client: CliptraceClient) => Promise<void>,
): Promise<void> {
  const configuration = { ...loadServerConfiguration({}, { port: 0 }), ...webhookConfiguration() };
  const server = await startServer({ cliptrace, configuration, logger: pino({ level: 'silent' }) });
  try {
    await work(new CliptraceClient({ url: server.url }));
  } finally {
    await server.close();
    await cliptrace.close();
  }
}

export async function blobOf(path: string): Promise<Blob> {
  return new Blob([new Uint8Array(await readFile(path))]);
}

/** Four seconds of a sample, encoded anew as a copy from the net would be. */
export async function clipOf(
  folder: string,
  name: string,
  startSeconds = 0.5,
  filters: string[] = [],
): Promise<Blob> {
  const path = `${folder}/${name}-${startSeconds}-${filters.length}.mp4`;
  const filter = filters.length === 0 ? [] : ['-vf', filters.join(',')];
  const range = ['-ss', String(startSeconds), '-i', samplePath(name), '-t', '4'];
  await ffmpeg(...range, ...filter, '-c:v', 'mpeg4', '-q:v', '2', path);
  return blobOf(path);
}

/** Adds a sample by upload; the id of its video, which has been compared with every watch. */
export async function addSample(live: LiveServer, name: string, collection = 'default'): Promise<number> {
  const client = new CliptraceClient({ url: live.url });
  const job = await client.addVideo(await blobOf(samplePath(name)), { title: name, collection });
  await live.cliptrace.jobs.wait(job.id);
  await compared(live);
  return (await client.getJob(job.id)).videoId as number;
}

/** Indexes a file by a job; what became of it. Every watch has been compared with it. */
export async function indexFile(live: LiveServer, path: string, collection: string): Promise<string | null> {
  const { jobs, library } = live.cliptrace;
  const request = { type: 'index', paths: [path], collection, labelFrom: null, prune: false } as const;
  const { id } = await jobs.submit({ ...request, paths: [path] });
  await jobs.wait(id);
  await compared(live);
  return (await library.jobFile(id, path))?.outcome ?? null;
}

/** Waits until every active watch has been compared with all that has arrived. */
export async function compared({ cliptrace }: LiveServer): Promise<void> {
  const store = cliptrace.library.watches;
  const last = await store.lastArrival();
  await until('the comparison', async () =>
    (await store.active()).every(({ matchedThrough }) => matchedThrough >= last),
  );
}

/** Waits until nothing of a watch is left to be delivered. */
export async function settled(client: CliptraceClient, { id }: Pick<Watch, 'id'>): Promise<void> {
  await until('the deliveries', async () => (await client.getWatch(id)).pendingDeliveries === 0);
}
