import { readdirSync, readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ERRORS, type ErrorCode } from '../../index/errors.js';
import type { Problem } from '../../server/schemas/problem.js';
import type { SearchAnswerJson } from '../../server/schemas/search.js';
import { makeSeeds, mutate, type SeedVideo } from '../fixtures/mutations.js';
import { seeded } from '../fixtures/seeded.js';
import { temporaryFolder } from '../fixtures/videos.js';
import { until } from './tools/http.js';
import { type LiveServer, startLiveServer } from './tools/live-server.js';

const COUNT = Number(process.env.TEST_MUTATED_VIDEOS ?? 500);
const SEED = Number(process.env.TEST_MUTATION_SEED ?? 1);
const WORKERS = 4;

const folder = temporaryFolder();
let live: LiveServer;
let seeds: SeedVideo[];

beforeAll(async () => {
  live = await startLiveServer({
    videos: ['people-detection'],
    configuration: { maxConcurrentDecodes: WORKERS, maxConcurrentUploads: WORKERS },
  });
  seeds = await makeSeeds(folder.path);
});

afterAll(() => live.close());

async function search({ name, bytes }: SeedVideo): Promise<{ status: number; body: unknown }> {
  const form = new FormData();
  form.append('clip', new Blob([new Uint8Array(bytes)]), name);
  const response = await fetch(`${live.api}/search`, { method: 'POST', body: form });
  return { status: response.status, body: await response.json() };
}

/** Processes that this one started and that still run, by their command line. */
function children(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
        return parent === String(process.pid) ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8')] : [];
      } catch {
        return [];
      }
    });
}

/** Bytes that are reachable. */
function liveBytes(): number {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

it(`${COUNT} mutated videos get hits or a problem each; nothing is left of them`, {
  timeout: 600_000,
}, async () => {
  for (const seed of seeds) expect((await search(seed)).status, seed.name).toBe(200);
  const bytesBefore = liveBytes();
  const random = seeded(SEED);
  const videos = Array.from({ length: COUNT }, () => mutate(seeds, random));
  const codes = new Map<string, number>();
  const wrong: string[] = [];
  let next = 0;
  const work = async () => {
    for (let index = next++; index < videos.length; index = next++) {
      const video = videos[index] as SeedVideo;
      const { status, body } = await search(video);
      const code = status === 200 ? 'hits' : (body as Problem).code;
      codes.set(code, (codes.get(code) ?? 0) + 1);
      const isHits = status === 200 && Array.isArray((body as SearchAnswerJson).hits);
      const isProblem = status >= 400 && status < 500 && ERRORS[code as ErrorCode]?.status === status;
      if (!isHits && !isProblem) wrong.push(`${index} (${video.name}): ${status} ${JSON.stringify(body)}`);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  expect(wrong).toEqual([]);
  // It is a test only if both happen often.
  const hits = codes.get('hits') ?? 0;
  expect(hits).toBeGreaterThan(COUNT / 10);
  expect(COUNT - hits).toBeGreaterThan(COUNT / 10);

  expect((await fetch(`${live.url}/readyz`)).status).toBe(200);
  await expect(live.temporaryFiles()).resolves.toEqual([]);
  if (process.platform === 'linux') {
    await until('all ffmpeg to be gone', () => !children().some((line) => line.includes('ffmpeg')));
  }
  videos.length = 0;
  live.log.length = 0;
  // What lasts (compiled code, caches of fixed size) is far below one frame store a video.
  expect((liveBytes() - bytesBefore) / 1024 ** 2).toBeLessThan(32);
});
