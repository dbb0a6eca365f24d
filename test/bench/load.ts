import { readFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import path from 'node:path';
import { CliptraceClient, RequestFailed } from '../../server/client/index.js';
import { pick, seeded } from '../fixtures/seeded.js';
import { serve } from '../helpers/served.js';
import { createWorkspace, SAMPLES_FOLDER } from '../helpers/workspace.js';

const VIDEOS = [
  'people-detection',
  'person-bicycle-car-detection',
  'head-pose-face-detection-male',
  'head-pose-face-detection-female',
  'store-aisle-detection',
  'worker-zone-detection',
];
const SAMPLE_INTERVAL_MS = 1000;
/** So often each is drawn. */
const MIX = { searchByVideo: 60, list: 20, look: 10, thumbnail: 7, upload: 3 } as const;
type Operation = keyof typeof MIX;

interface Tally {
  milliseconds: number[];
  refused: number;
  failures: string[];
}

/**
 * `npm run bench -- load [SECONDS] [CONNECTIONS]`: searches by id, uploads, listings and pictures over so many connections beside an
 * ingest that goes on all the time; tells latencies, failures (429 apart) and the server's memory by the minute.
 */
export async function benchLoad([
  secondsText = '300',
  connectionsText = '32',
]: readonly string[]): Promise<void> {
  const seconds = Number(secondsText);
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  const workspace = createWorkspace();
  for (const name of VIDEOS) await workspace.addSample(`${name}.mp4`);
  const clip = new Blob([new Uint8Array(await readFile(path.join(SAMPLES_FOLDER, 'people-detection.mp4')))]);
  const served = await serve(workspace.data, {
    CLIPTRACE_ARCHIVE_ROOTS: workspace.archive,
    CLIPTRACE_LOG_LEVEL: 'warn',
  });
  try {
    const client = new CliptraceClient({ url: served.api.replace('/api/v1', '') });
    await ingest(client, workspace.archive, 'default');
    const { videos } = await client.listVideos({ limit: 200 });
    const ids = videos.map(({ id }) => id);
    const tallies = new Map<Operation, Tally>();
    const ends = Date.now() + seconds * 1000;
    const isOver = () => Date.now() >= ends;
    print(
      `${connectionsText} connections for ${seconds} s, ${ids.length} videos at the start; load ${loadavg()[0]?.toFixed(1)}`,
    );
    const memory = watchMemory(served.pid, isOver);
    const ingested = ingestUntil(client, workspace.archive, isOver);
    const workers = Array.from({ length: Number(connectionsText) }, (_, worker) =>
      work({ client, ids, clip, tallies, isOver, seed: worker + 1 }),
    );
    await Promise.all(workers);
    for (const operation of Object.keys(MIX) as Operation[])
      print(summary(operation, tallies.get(operation)));
    print(`Ingest beside it: ${await ingested} jobs`);
    printMemory(await memory, print);
  } finally {
    await served.stop();
    workspace.remove();
  }
}

interface Work {
  client: CliptraceClient;
  ids: readonly number[];
  clip: Blob;
  tallies: Map<Operation, Tally>;
  isOver(): boolean;
  seed: number;
}

async function work({ client, ids, clip, tallies, isOver, seed }: Work): Promise<void> {
  const random = seeded(seed);
  const drawn = (Object.keys(MIX) as Operation[]).flatMap((name) => Array<Operation>(MIX[name]).fill(name));
  const run: Record<Operation, (id: number) => Promise<unknown>> = {
    searchByVideo: (id) => client.searchByVideo({ videoId: id, excludeSelf: true }),
    list: () => client.listVideos({ limit: 20 }),
    look: async (id) => (await client.getMedia(id, { range: 'bytes=0-65535' })).arrayBuffer(),
    thumbnail: (id) => client.getThumbnail(id, 1),
    upload: () => client.search(clip, { k: 5 }),
  };
  while (!isOver()) {
    const operation = pick(random, drawn);
    const tally = tallies.get(operation) ?? { milliseconds: [], refused: 0, failures: [] };
    tallies.set(operation, tally);
    const startedAt = performance.now();
    try {
      await run[operation](pick(random, ids));
      tally.milliseconds.push(performance.now() - startedAt);
    } catch (error) {
      if (!(error instanceof RequestFailed) || error.status !== 429) tally.failures.push(String(error));
      else {
        tally.refused += 1;
        // As a client does that heeds Retry-After, in part: else refusals would be all that is measured.
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }
}

async function ingest(client: CliptraceClient, folder: string, collection: string): Promise<void> {
  const { id } = await client.createJob({ type: 'index', path: folder, collection });
  for await (const event of client.followJob(id)) {
    if (event.type === 'end' && event.job.status !== 'done') throw new Error(JSON.stringify(event.job.error));
  }
}

/** The same files into ever new collections: each is embedded anew. */
async function ingestUntil(client: CliptraceClient, folder: string, isOver: () => boolean): Promise<number> {
  let jobs = 0;
  for (; !isOver(); jobs += 1) await ingest(client, folder, `copy-${jobs}`);
  return jobs;
}

/** Resident bytes, once a second. */
async function watchMemory(pid: number, isOver: () => boolean): Promise<number[]> {
  const samples: number[] = [];
  while (!isOver()) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const kilobytes = /^VmRSS:\s+(\d+)/m.exec(status)?.[1];
    if (kilobytes !== undefined) samples.push(Number(kilobytes) * 1024);
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_INTERVAL_MS));
  }
  return samples;
}

function printMemory(samples: readonly number[], print: (line: string) => void): void {
  const minutes: number[] = [];
  for (let at = 0; at < samples.length; at += 60) {
    const minute = samples.slice(at, at + 60);
    if (minute.length >= 30) minutes.push(minute.reduce((sum, bytes) => sum + bytes, 0) / minute.length);
  }
  const shown = minutes.map((bytes) => Math.round(bytes / 1024 ** 2)).join(', ');
  print(`Memory of the server by the minute, MiB: ${shown || 'not known here'}`);
  const [, second] = minutes;
  const last = minutes.at(-1);
  if (second === undefined || last === undefined || minutes.length < 3) return;
  print(`Last minute against the second: ${((last / second - 1) * 100).toFixed(1)} %`);
}

function summary(operation: Operation, tally: Tally | undefined): string {
  if (tally === undefined) return `${operation}: none`;
  const { milliseconds, refused, failures } = tally;
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const at = (part: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(0);
  const failed = failures.length === 0 ? '0 failed' : `${failures.length} FAILED (${failures[0]})`;
  return (
    `${operation.padEnd(14)} ${String(milliseconds.length).padStart(7)} answered, ${refused} refused (429), ${failed}; ` +
    `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms`
  );
}
