import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { formatTable } from '../../index/cli/output.js';
import { type OpenedCliptrace, openCliptrace } from '../../index/cliptrace.js';
import type { Video } from '../../index/library/types.js';
import { type CutRequest, cutClip } from '../../index/media/clip-cutter.js';
import { defaultMediaLimits } from '../../index/media/limits.js';
import { readSettings } from '../../index/settings.js';
import { percentile } from './measure.js';

type Edit = Pick<CutRequest, 'cropFraction' | 'scaleHeight' | 'framesPerSecond' | 'codec' | 'brightness'>;

const EDITS: Record<string, Edit> = {
  'cropped to 80 %': { cropFraction: 0.8, codec: 'libx264' },
  'MPEG-4, 144 lines, 15 frames/s': {
    cropFraction: 1,
    codec: 'mpeg4',
    scaleHeight: 144,
    framesPerSecond: 15,
  },
  'brightened by 0.15': { cropFraction: 1, codec: 'libx264', brightness: 0.15 },
  'all of it': { cropFraction: 0.8, codec: 'mpeg4', scaleHeight: 180, framesPerSecond: 20, brightness: 0.1 },
};
const MIN_SECONDS = 3.5;
const MAX_QUERY_VIDEOS = 100;

interface Tally {
  queries: number;
  found: number;
  /** Distance of the found start from the true one, of those found. */
  errorsSeconds: number[];
}

/** `npm run bench -- edits FOLDER`: parts of its videos, edited, searched as files; is the source first, and at the right time? */
export async function benchEdits([folder]: readonly string[]): Promise<void> {
  if (!folder) throw new Error('Usage: npm run bench -- edits FOLDER');
  const root = await mkdtemp(path.join(tmpdir(), 'cliptrace-bench-'));
  const settings = readSettings(process.env, { data: path.join(root, 'data') });
  const cliptrace = await openCliptrace({ settings, env: process.env, mode: 'write' });
  try {
    const job = await cliptrace.jobs.submit({
      type: 'index',
      paths: [path.resolve(folder)],
      collection: 'default',
      labelFrom: null,
      prune: false,
    });
    const { progress } = await cliptrace.jobs.run(job);
    process.stdout.write(
      `${progress.filesDone} videos, ${progress.segments} segments, ${progress.filesFailed} failed\n`,
    );
    const tallies = await searchParts(cliptrace, path.join(root, 'query.avi'));
    const share = (values: number[], atMost: number) =>
      (values.filter((value) => value <= atMost).length / values.length).toFixed(3);
    const rows = Object.entries(tallies).map(([name, { queries, found, errorsSeconds }]) => [
      name,
      queries,
      (found / queries).toFixed(3),
      percentile(errorsSeconds, 0.5).toFixed(2),
      percentile(errorsSeconds, 0.9).toFixed(2),
      share(errorsSeconds, 0.5),
      share(errorsSeconds, 1.5),
    ]);
    const headers = [
      'edit',
      'queries',
      'R@1',
      'start off by, median s',
      '90 %',
      'within 0.5 s',
      'within 1.5 s',
    ];
    process.stdout.write(`${formatTable(headers, rows)}\n`);
  } finally {
    await cliptrace.close();
    await rm(root, { recursive: true, force: true });
  }
}

async function searchParts(cliptrace: OpenedCliptrace, queryPath: string): Promise<Record<string, Tally>> {
  const random = randomStream(12345);
  const { videos } = await cliptrace.library.listVideos({ limit: 100_000 });
  const long = videos.filter((video) => video.durationSeconds >= MIN_SECONDS).sort((a, b) => a.id - b.id);
  const step = Math.max(1, Math.ceil(long.length / MAX_QUERY_VIDEOS));
  const tallies: Record<string, Tally> = {};
  for (const video of long.filter((_, i) => i % step === 0)) {
    const durationSeconds = Math.min(video.durationSeconds - 0.5, 3 + 3 * random());
    const startSeconds = random() * (video.durationSeconds - durationSeconds);
    for (const [name, edit] of Object.entries(EDITS)) {
      tallies[name] ??= { queries: 0, found: 0, errorsSeconds: [] };
      const part = { startSeconds, durationSeconds, ...edit, outPath: queryPath };
      await searchPart(cliptrace, video, part, tallies[name]);
    }
  }
  return tallies;
}

async function searchPart(
  cliptrace: OpenedCliptrace,
  video: Video,
  part: Omit<CutRequest, 'ffmpeg' | 'filePath' | 'limits'>,
  tally: Tally,
): Promise<void> {
  const { ffmpeg, searcher } = cliptrace;
  await cutClip({
    ffmpeg,
    filePath: await cliptrace.mediaPath(video.id),
    limits: defaultMediaLimits,
    ...part,
  });
  const { hits } = await searcher.search({ query: { kind: 'file', filePath: part.outPath }, k: 1 });
  tally.queries += 1;
  const [first] = hits;
  if (first?.video.id !== video.id) return;
  tally.found += 1;
  tally.errorsSeconds.push(Math.abs(first.startSeconds - first.queryStartSeconds - part.startSeconds));
}

/** A linear congruential generator, [0, 1): the same parts in every run. */
function randomStream(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
