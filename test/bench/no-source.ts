import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { formatTable } from '../../index/cli/output.js';
import { type OpenedCliptrace, openCliptrace } from '../../index/cliptrace.js';
import { drawParts } from '../../index/evaluation/edits/draw-parts.js';
import { editPairs, PROTOCOL_EDITS } from '../../index/evaluation/edits/edit-pairs.js';
import { makeEdit } from '../../index/evaluation/edits/make-edit.js';
import { planEdit } from '../../index/evaluation/edits/plan-edit.js';
import { pick, type Random, seeded } from '../../index/evaluation/seeded-random.js';
import { allVideos } from '../../index/library/all-videos.js';
import { defaultMediaLimits } from '../../index/media/limits.js';
import type { SearchHit } from '../../index/search/types.js';
import { readSettings } from '../../index/settings.js';

/** Queries by what was done to the part. */
type Treatment = 'plain' | 'one edit' | 'two edits';

interface Outcome {
  title: string;
  treatment: Treatment;
  edits: readonly string[];
  first: SearchHit | undefined;
  isSource: boolean;
}

const LIBRARY = 'library';
const OUTSIDE = 'outside';
const USAGE =
  'Usage: npm run bench -- no-source FOLDER... [--queries 200] [--seed 1] [--limit 1000] [--default-scores]';

/**
 * `npm run bench -- no-source FOLDER...`: the videos below are split in two by group (what stands before `_c01` in a name); one half is indexed, and
 * parts of the other, plain and edited, are searched there: how many are called the same footage? And of as many parts of the indexed half?
 */
export async function benchNoSource(args: readonly string[]): Promise<void> {
  const options = optionsOf(args);
  const random = seeded(options.seed);
  const root = await mkdtemp(path.join(tmpdir(), 'cliptrace-bench-'));
  const settings = readSettings(process.env, { data: path.join(root, 'data') });
  const cliptrace = await openCliptrace({ settings, env: process.env, mode: 'write' });
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  try {
    const files = await filesBelow(options.folders);
    const halves = splitByGroup(files, random, options.limit);
    for (const [collection, paths] of [
      [LIBRARY, halves.inside],
      [OUTSIDE, halves.outside],
    ] as const) {
      const { progress } = await runJob(cliptrace, { collection, paths });
      print(`${collection}: ${progress.filesDone} videos, ${progress.segments} segments`);
    }
    await keepUp(cliptrace, options.ownScores);
    const calibration = await cliptrace.library.getCalibration(LIBRARY, cliptrace.encoder.manifest.id);
    print(`same footage from a score of ${calibration?.sameFootageScore.toFixed(3) ?? 'the default'} on`);
    const outside = await searchParts(cliptrace, OUTSIDE, options.queries, random, root);
    print(report('without a source', outside, ({ first }) => first?.verdict === 'same-footage'));
    for (const { title, edits, first } of outside.filter((one) => one.first?.verdict === 'same-footage')) {
      print(
        `  ${title} (${edits.join('+')}) -> ${first?.video.title}, ${first?.score}, ${JSON.stringify(first?.evidence)}`,
      );
    }
    const inside = await searchParts(cliptrace, LIBRARY, options.queries, random, root);
    print(report('with one, found first', inside, ({ isSource }) => isSource));
    print(
      report(
        'with one, found first and called so',
        inside,
        ({ isSource, first }) => isSource && first?.verdict === 'same-footage',
      ),
    );
    const scores = outside.map(({ first }) => first?.score ?? 0).sort((a, b) => b - a);
    print(`highest scores without a source: ${scores.slice(0, 12).join(' ')}`);
  } finally {
    await cliptrace.close();
    await rm(root, { recursive: true, force: true });
  }
}

function optionsOf(args: readonly string[]) {
  const numberOf = (name: string, usual: number) => {
    const at = args.indexOf(name);
    return at < 0 ? usual : Number(args[at + 1]);
  };
  const folders = args.filter(
    (arg, i) => !arg.startsWith('--') && !/^--(queries|seed|limit)$/.test(args[i - 1] ?? ''),
  );
  if (folders.length === 0) throw new Error(USAGE);
  return {
    folders,
    queries: numberOf('--queries', 200),
    seed: numberOf('--seed', 1),
    limit: numberOf('--limit', 1000),
    ownScores: !args.includes('--default-scores'),
  };
}

async function filesBelow(folders: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders) {
    const names = await readdir(folder, { recursive: true });
    found.push(
      ...names
        .filter((name) => /\.(mp4|avi|mkv|mov|webm)$/i.test(name))
        .map((name) => path.resolve(folder, name)),
    );
  }
  return found.sort();
}

/** Clips of one take never stand on both sides. */
function splitByGroup(files: readonly string[], random: Random, limit: number) {
  const groups = new Map<string, string[]>();
  for (const file of files) {
    const group = file.replace(/(_c\d+)?\.\w+$/, '');
    groups.set(group, [...(groups.get(group) ?? []), file]);
  }
  const inside: string[] = [];
  const outside: string[] = [];
  const left = [...groups.values()];
  while (left.length > 0 && inside.length + outside.length < limit) {
    const [group] = left.splice(Math.floor(random() * left.length), 1) as [string[]];
    (inside.length <= outside.length ? inside : outside).push(...group);
  }
  return { inside, outside };
}

async function runJob(
  cliptrace: OpenedCliptrace,
  { collection, paths }: { collection: string; paths: string[] },
) {
  const submitted = await cliptrace.jobs.submit({
    type: 'index',
    paths,
    collection,
    labelFrom: null,
    prune: false,
  });
  return cliptrace.jobs.run(submitted);
}

/** What a server does by itself after an ingest. */
async function keepUp(cliptrace: OpenedCliptrace, ownScores: boolean): Promise<void> {
  for (const type of ['boilerplate', 'calibrate'] as const) {
    for (const job of await cliptrace.library.pendingJobs()) {
      const isWanted = job.request.type === type && job.request.collection === LIBRARY;
      if (isWanted && (ownScores || type === 'boilerplate')) await cliptrace.jobs.run(job);
    }
  }
}

/** A third of the parts as they are (in another encoding), a third with one edit, a third with two. */
async function searchParts(
  cliptrace: OpenedCliptrace,
  collection: string,
  count: number,
  random: Random,
  root: string,
): Promise<Outcome[]> {
  const { ffmpeg, library, searcher } = cliptrace;
  const outcomes: Outcome[] = [];
  const pairs = editPairs();
  const outPath = path.join(root, 'query.mkv');
  for (const [i, { video, part }] of drawParts({
    videos: await allVideos(library, collection),
    count,
    random,
  }).entries()) {
    const treatment = (['plain', 'one edit', 'two edits'] as const)[i % 3] as Treatment;
    const edits =
      treatment === 'plain'
        ? (['trim'] as const)
        : treatment === 'one edit'
          ? [pick(random, PROTOCOL_EDITS)]
          : pick(random, pairs);
    const plan = planEdit({ edits, part, picture: video, random });
    const filePath = await cliptrace.mediaPath(video.id);
    await makeEdit({ ffmpeg, filePath, plan, outPath, limits: defaultMediaLimits });
    const { hits } = await searcher.search({
      query: { kind: 'file', filePath: outPath },
      k: 1,
      collection: LIBRARY,
    });
    const [first] = hits;
    outcomes.push({ title: video.title, treatment, edits, first, isSource: first?.video.id === video.id });
  }
  return outcomes;
}

function report(name: string, outcomes: readonly Outcome[], counts: (outcome: Outcome) => boolean): string {
  const rows = (['all', 'plain', 'one edit', 'two edits'] as const).map((treatment) => {
    const chosen = outcomes.filter((one) => treatment === 'all' || one.treatment === treatment);
    const hits = chosen.filter(counts).length;
    const [low, high] = wilsonInterval(hits, chosen.length);
    return [
      treatment,
      chosen.length,
      hits,
      (hits / chosen.length).toFixed(3),
      `${low.toFixed(3)} to ${high.toFixed(3)}`,
    ];
  });
  return `\n${name}\n${formatTable(['treatment', 'queries', 'same footage', 'share', '95 % (Wilson)'], rows)}`;
}

/** Of a share, at 95 %: also where nothing was counted. */
export function wilsonInterval(hits: number, count: number): [number, number] {
  const z = 1.96;
  const share = hits / count;
  const middle = share + z ** 2 / (2 * count);
  const margin = z * Math.sqrt((share * (1 - share)) / count + z ** 2 / (4 * count ** 2));
  const scale = 1 + z ** 2 / count;
  return [(middle - margin) / scale, (middle + margin) / scale];
}
