import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { formatTable } from '../../../index/cli/output.js';
import { type OpenedCliptrace, openCliptrace } from '../../../index/cliptrace.js';
import { seeded } from '../../../index/evaluation/seeded-random.js';
import { ClipBatcher } from '../../../index/ingest/clip-batcher.js';
import { embedVideo } from '../../../index/ingest/embed-video.js';
import { allVideos } from '../../../index/library/all-videos.js';
import { defaultMediaLimits } from '../../../index/media/limits.js';
import { queryHopSeconds } from '../../../index/search/embed-file-query.js';
import { readSettings } from '../../../index/settings.js';
import { SAMPLES_FOLDER } from '../../helpers/workspace.js';
import { measure, percentile } from '../measure.js';
import { fillLibrary } from './fill-library.js';
import { benchReach } from './reach.js';

const SEED = 'samples';
const FILLED = 'filled';
/** Of a hundred of them one alone would tell the 99th percentile. */
const STORED_QUERIES = 800;
const SIDE_BY_SIDE = 16;
const LOADED_QUERIES = 400;
const UPLOADS = ['bottle-detection', 'car-detection', 'nasa-13013', 'store-aisle-detection', 'classroom'];
const UPLOAD_ROUNDS = 4;
const REACHED_VIDEOS = 1000;
/** Searches before the first that counts: the first ones of a process, and of its threads, run code that is not compiled yet. */
const WARM_UP_QUERIES = 400;
/** As a search asks for. */
const NEIGHBOURS = 64;
const TARGETS = { stored: 3, p99Ms: 50, ingest: 3, upload: 1.15 };

/**
 * `npm run bench -- search [--segments 200000] [--keep FOLDER] [--part stored|ingest|upload|reach]`: searches by stored videos against the bare search of the index for their segments,
 * many searches beside an ingest, uploads against decoding and encoding them alone, and whether the index finds each segment by its own embedding. With --keep, the filled library is used again.
 */
export async function benchSearch(args: readonly string[]): Promise<void> {
  const option = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
  const segmentCount = Number(option('--segments') ?? 200_000);
  const kept = option('--keep');
  const root = kept ? path.resolve(kept) : await mkdtemp(path.join(tmpdir(), 'cliptrace-bench-'));
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  await mkdir(root, { recursive: true });
  const settings = readSettings(process.env, { data: path.join(root, 'data') });
  const cliptrace = await openCliptrace({ settings, env: process.env, mode: 'write' });
  try {
    const filled = await measure(() => fill(cliptrace, segmentCount));
    const { library, encoder } = cliptrace;
    print(
      `${await library.countSegments(encoder.manifest.id)} segments (real ones of ${SEED}, perturbed), filled in ${(filled.wallMs / 1000).toFixed(0)} s; load ${loadavg()[0]?.toFixed(1)}`,
    );
    await warmUp(cliptrace);
    const part = option('--part');
    if (part === undefined || part === 'stored') await benchStored(cliptrace, print);
    if (part === undefined || part === 'ingest') await benchBesideIngest(cliptrace, root, print);
    if (part === undefined || part === 'upload') await benchUploads(cliptrace, print);
    if (part === undefined || part === 'reach') {
      await benchReach(cliptrace, await drawnVideos(cliptrace, REACHED_VIDEOS), NEIGHBOURS, print);
    }
  } finally {
    await cliptrace.close();
    if (!kept) await rm(root, { recursive: true, force: true });
  }
}

async function fill(cliptrace: OpenedCliptrace, segmentCount: number): Promise<void> {
  if ((await allVideos(cliptrace.library, SEED)).length === 0) await index(cliptrace, SAMPLES_FOLDER, SEED);
  await fillLibrary(cliptrace, { seedCollection: SEED, collection: FILLED, segmentCount });
}

async function index(cliptrace: OpenedCliptrace, folder: string, collection: string): Promise<void> {
  const submitted = await cliptrace.jobs.submit({
    type: 'index',
    paths: [folder],
    collection,
    labelFrom: null,
    prune: false,
  });
  await cliptrace.jobs.run(submitted);
}

async function benchStored(cliptrace: OpenedCliptrace, print: (line: string) => void): Promise<void> {
  const { library, encoder, searcher, index: segments } = cliptrace;
  const ids = await drawnVideos(cliptrace, STORED_QUERIES);
  const bare: { wallMs: number; cpuMs: number }[] = [];
  const whole: { wallMs: number; cpuMs: number }[] = [];
  for (const videoId of ids) {
    const { vectors } = await library.embeddingsOf(videoId, encoder.manifest.id);
    bare.push(await measure(() => segments.search(vectors, NEIGHBOURS)));
    whole.push(await measure(() => searcher.search({ query: { kind: 'video', videoId }, k: 10 })));
  }
  const wall = (measured: readonly { wallMs: number }[], share: number) =>
    percentile(
      measured.map(({ wallMs }) => wallMs),
      share,
    );
  const cpu = (measured: readonly { cpuMs: number }[]) =>
    percentile(
      measured.map(({ cpuMs }) => cpuMs),
      0.5,
    );
  print(
    formatTable(
      ['by a stored video', 'p50 ms', 'p99 ms', 'CPU p50 ms'],
      [
        [
          'its segments in the index alone',
          wall(bare, 0.5).toFixed(1),
          wall(bare, 0.99).toFixed(1),
          cpu(bare).toFixed(1),
        ],
        [
          'the search, aligned and scored',
          wall(whole, 0.5).toFixed(1),
          wall(whole, 0.99).toFixed(1),
          cpu(whole).toFixed(1),
        ],
      ],
    ),
  );
  print(
    `stored video: p50 ${(wall(whole, 0.5) / wall(bare, 0.5)).toFixed(2)} x the bare search, ${(cpu(whole) / cpu(bare)).toFixed(2)} x in CPU ` +
      `(target ${TARGETS.stored}); p99 ${wall(whole, 0.99).toFixed(1)} ms (target ${TARGETS.p99Ms})`,
  );
}

async function warmUp(cliptrace: OpenedCliptrace): Promise<void> {
  const ids = await drawnVideos(cliptrace, WARM_UP_QUERIES, 13);
  for (const videoId of ids) await cliptrace.searcher.search({ query: { kind: 'video', videoId }, k: 10 });
}

/** Real videos and made-up ones. */
async function drawnVideos(cliptrace: OpenedCliptrace, count: number, seed = 11): Promise<number[]> {
  const random = seeded(seed);
  const videos = await allVideos(cliptrace.library, FILLED);
  return Array.from(
    { length: count },
    () => (videos[Math.floor(random() * videos.length)] as { id: number }).id,
  );
}

async function benchBesideIngest(
  cliptrace: OpenedCliptrace,
  root: string,
  print: (line: string) => void,
): Promise<void> {
  const ids = await drawnVideos(cliptrace, LOADED_QUERIES);
  const alone = await searchSideBySide(cliptrace, ids, 1);
  const idle = await searchSideBySide(cliptrace, ids, SIDE_BY_SIDE);
  let isOver = false;
  const ingest = ingestUntil(cliptrace, root, () => isOver);
  const busy = await searchSideBySide(cliptrace, ids, SIDE_BY_SIDE);
  isOver = true;
  const jobs = await ingest;
  const row = (name: string, times: number[]) => [
    name,
    percentile(times, 0.5).toFixed(1),
    percentile(times, 0.99).toFixed(1),
  ];
  print(
    formatTable(
      ['searches by stored videos', 'p50 ms', 'p99 ms'],
      [
        row('one after another', alone),
        row(`${SIDE_BY_SIDE} side by side`, idle),
        row(`${SIDE_BY_SIDE} side by side, beside ${jobs} index jobs`, busy),
      ],
    ),
  );
  const ratio = percentile(busy, 0.99) / percentile(idle, 0.99);
  print(
    `beside an ingest: p99 ${ratio.toFixed(2)} x that of ${SIDE_BY_SIDE} side by side without (target ${TARGETS.ingest})`,
  );
}

async function searchSideBySide(
  cliptrace: OpenedCliptrace,
  ids: readonly number[],
  count: number,
): Promise<number[]> {
  const times: number[] = [];
  const left = [...ids];
  const work = async () => {
    for (let videoId = left.pop(); videoId !== undefined; videoId = left.pop()) {
      const startedAt = performance.now();
      await cliptrace.searcher.search({ query: { kind: 'video', videoId }, k: 10 });
      times.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: count }, work));
  return times;
}

/** The samples into ever new collections: each is embedded anew. */
async function ingestUntil(cliptrace: OpenedCliptrace, root: string, isOver: () => boolean): Promise<number> {
  const archive = path.join(root, 'archive');
  await cp(SAMPLES_FOLDER, archive, { recursive: true });
  let jobs = 0;
  for (; !isOver(); jobs += 1) await index(cliptrace, archive, `beside-${Date.now()}`);
  for (const collection of await cliptrace.library.listCollections()) {
    if (!collection.name.startsWith('beside-')) continue;
    for (const { id } of await allVideos(cliptrace.library, collection.name)) await cliptrace.removeVideo(id);
  }
  return jobs;
}

async function benchUploads(cliptrace: OpenedCliptrace, print: (line: string) => void): Promise<void> {
  const { ffmpeg, encoder, searcher } = cliptrace;
  const batcher = new ClipBatcher({ encoder, maxBatch: 4 });
  const rows: [string, number, number, number, number][] = [];
  for (const name of UPLOADS) {
    const filePath = path.join(SAMPLES_FOLDER, `${name}.mp4`);
    const alone: { wallMs: number; cpuMs: number }[] = [];
    const whole: { wallMs: number; cpuMs: number }[] = [];
    for (let round = 0; round < UPLOAD_ROUNDS; round += 1) {
      alone.push(
        await measure(() =>
          embedVideo({
            ffmpeg,
            batcher,
            filePath,
            limits: defaultMediaLimits,
            hopSeconds: (probe) => queryHopSeconds(probe, {}, encoder.manifest.segmentHopSeconds),
            priority: 'query',
          }),
        ),
      );
      whole.push(await measure(() => searcher.search({ query: { kind: 'file', filePath }, k: 10 })));
    }
    const least = (of: readonly { wallMs: number; cpuMs: number }[], key: 'wallMs' | 'cpuMs') =>
      Math.min(...of.map((one) => one[key]));
    rows.push([
      name,
      least(alone, 'wallMs'),
      least(whole, 'wallMs'),
      least(alone, 'cpuMs'),
      least(whole, 'cpuMs'),
    ]);
  }
  batcher.close();
  print(
    formatTable(
      ['by upload', 'decode + encode ms', 'search ms', 'ratio', 'CPU ratio'],
      rows.map(([name, alone, whole, aloneCpu, wholeCpu]) => [
        name,
        alone.toFixed(0),
        whole.toFixed(0),
        (whole / alone).toFixed(2),
        (wholeCpu / aloneCpu).toFixed(2),
      ]),
    ),
  );
  const sum = (at: 1 | 2) => rows.reduce((total, row) => total + row[at], 0);
  print(
    `upload: ${(sum(2) / sum(1)).toFixed(2)} x decode + encode of the same clips alone (target ${TARGETS.upload})`,
  );
}
