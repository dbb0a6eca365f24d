import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { parseManifest } from '../../index/encoder/manifest.js';
import { defaultModelFolder, manifestPathOf } from '../../index/encoder/model-store.js';
import { dataFolderAt } from '../../index/library/data-folder.js';
import { openLibrary } from '../../index/library/sqlite-library.js';
import type { Library, Video } from '../../index/library/types.js';
import { ExactIndex } from '../../index/vectors/exact-index.js';
import { openSegmentIndex } from '../../index/vectors/index-follower.js';
import { between, type Random, seeded } from '../fixtures/seeded.js';
import { ChangingArchive, makeTinyVideos } from '../fixtures/tiny-archive.js';
import { createWorkspace, PROJECT_ROOT, type Workspace } from '../helpers/workspace.js';

const SEED = 20260101;
const KILLS_PER_LANE = 26;
const NEW_FILES_A_ROUND = 5;
const FIRST_FILES = 8;

const manifestPath = manifestPathOf(defaultModelFolder());
const model = parseManifest(await readFile(manifestPath, 'utf8'), manifestPath);

/** Two archives side by side: of one the process alone is killed, of the other its whole group. */
it('loses nothing, doubles nothing and leaves nothing behind in 52 kills at random moments', async () => {
  const shared = createWorkspace();
  const videos = await makeTinyVideos(path.join(shared.root, 'videos'), 24);
  const kills = await Promise.all([
    killAgainAndAgain(videos, seeded(SEED), false),
    killAgainAndAgain(videos, seeded(SEED + 1), true),
  ]);
  shared.remove();
  expect(kills).toEqual([KILLS_PER_LANE, KILLS_PER_LANE]);
}, 400_000);

async function killAgainAndAgain(videos: string[], random: Random, wholeGroup: boolean): Promise<number> {
  const workspace = createWorkspace();
  const archive = new ChangingArchive(workspace.archive, videos, random);
  await archive.change(FIRST_FILES);
  const startedAt = performance.now();
  const first = await workspace.cli(['index', workspace.archive]);
  expect(first.code, first.stderr).toBe(0);
  const runMs = performance.now() - startedAt;
  let kills = 0;
  let finishedInAll = 0;
  while (kills < KILLS_PER_LANE) {
    await archive.change(NEW_FILES_A_ROUND);
    const run = await runAndKill(workspace, random, { wholeGroup, runMs });
    if (run.killed) kills += 1;
    else expect(run.code, run.stderr).toBe(0);
    finishedInAll += run.finished.length;
    await expectNoFfmpeg(workspace);
    await expectKept(workspace, run.finished);
    if (kills % 13 === 6) await expectIndexLikeLibrary(workspace);
  }
  // The kills fell where it matters: between files that were finished.
  expect(finishedInAll).toBeGreaterThan(KILLS_PER_LANE);
  await expectAllInOrder(workspace, archive);
  workspace.remove();
  return kills;
}

const FILE_LINE = /^(?:indexed|updated|moved|duplicate|pruned) +.+\n/gm;
const FINISHED_LINE = /^(?:indexed|updated) +(.+)\n/gm;

interface Run {
  killed: boolean;
  code: number | null;
  stderr: string;
  /** Files that the command said were indexed. */
  finished: string[];
}

/**
 * A third of the kills fall anywhere between the start and the end of a run of `runMs`, the others while files are finished: soon
 * after so many of them, or when the snapshot is being written.
 */
async function runAndKill(
  workspace: Workspace,
  random: Random,
  how: { wholeGroup: boolean; runMs: number },
): Promise<Run> {
  const args = [path.join(PROJECT_ROOT, 'dist/index/cli.js'), 'index', workspace.archive, '--prune'];
  const child = spawn(process.execPath, [...args, '--data', workspace.data], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const pid = child.pid as number;
  const run: Run = { killed: false, code: null, stderr: '', finished: [] };
  const kill = () => {
    if (child.exitCode === null && child.signalCode === null)
      process.kill(how.wholeGroup ? -pid : pid, 'SIGKILL');
  };
  const anywhere = random() < 1 / 3;
  const afterFiles = between(random, 1, NEW_FILES_A_ROUND + 4);
  const delayMs = between(random, 0, anywhere ? how.runMs : 100);
  let timer = anywhere ? setTimeout(kill, delayMs) : undefined;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    run.stderr += text;
    if ((run.stderr.match(FILE_LINE)?.length ?? 0) >= afterFiles) timer ??= setTimeout(kill, delayMs);
  });
  await once(child, 'close');
  clearTimeout(timer);
  run.killed = child.signalCode === 'SIGKILL';
  run.code = child.exitCode;
  run.finished = [...run.stderr.matchAll(FINISHED_LINE)].map(([, file]) => file as string);
  return run;
}

async function expectNoFfmpeg({ archive }: Workspace): Promise<void> {
  let found: string[] = [];
  for (let look = 0; look < 50; look += 1) {
    const lines = execFileSync('ps', ['-A', '-o', 'pid=,stat=,args='], { encoding: 'utf8' }).split('\n');
    found = lines.filter((line) => line.includes(archive) && !/^\s*\d+\s+Z/.test(line));
    if (found.length === 0) return;
    await sleep(100);
  }
  expect(found).toEqual([]);
}

async function withLibrary<T>(
  { data }: Workspace,
  work: (library: Library) => Promise<T>,
): Promise<T | null> {
  const dataFolder = dataFolderAt(data);
  // A process that was killed early enough has made none yet.
  const library = await openLibrary({ dataFolder, mode: 'read' }).catch((error: { code: string }) => {
    expect(error.code).toBe('LIBRARY_NOT_FOUND');
    return null;
  });
  if (!library) return null;
  try {
    return await work(library);
  } finally {
    await library.close();
  }
}

/** What was said to be finished is in the library, whole and once. */
async function expectKept(workspace: Workspace, finished: readonly string[]): Promise<void> {
  const kept = await withLibrary(workspace, async (library) => {
    const videos = await allVideos(library);
    expect(new Set(videos.map(({ contentHash }) => contentHash)).size).toBe(videos.length);
    for (const file of finished) {
      const place = await library.findFile('default', file);
      const video = videos.find(({ id }) => id === place?.videoId);
      expect(video, file).toBeDefined();
      const segments = await library.segmentsOf((video as Video).id, model.id);
      expect(segments).toHaveLength((video as Video).segmentCount);
      expect(segments.at(-1)?.endSeconds).toBeCloseTo((video as Video).durationSeconds, 2);
    }
    return finished.length;
  });
  expect(kept ?? 0).toBe(finished.length);
}

/** Every segment of SQLite is in HNSW and the other way round, and a search finds what an exact search finds. */
async function expectIndexLikeLibrary(workspace: Workspace): Promise<void> {
  await withLibrary(workspace, async (library) => {
    const { vectorsFolder: folder } = dataFolderAt(workspace.data);
    const first = (await allVideos(library))[0];
    if (!first) return;
    const { index } = await openSegmentIndex({ library, model, folder, writable: false });
    const { ids, vectors } = await library.readVectors(model.id, 0, 100_000);
    expect(await index.size()).toBe(ids.length);
    const exact = new ExactIndex(model.dimension);
    await exact.add(ids, vectors);
    const [everything] = await index.search(vectors.slice(0, model.dimension), ids.length);
    expect([...(everything?.ids ?? [])].sort((a, b) => a - b)).toEqual(ids);
    const [found, wanted] = [await index.search(vectors, 10), await exact.search(vectors, 10)];
    found.forEach(({ similarities }, query) => {
      const right = wanted[query]?.similarities as number[];
      // By similarity: videos of the same picture are equally near.
      similarities.forEach((similarity, rank) => {
        expect(similarity).toBeCloseTo(right[rank] as number, 4);
      });
    });
    await index.close();
  });
}

/** After one run that nobody disturbs. */
async function expectAllInOrder(workspace: Workspace, archive: ChangingArchive): Promise<void> {
  const last = await workspace.cli(['index', workspace.archive, '--prune', '--json']);
  expect(last.code, last.stderr).toBe(0);
  await withLibrary(workspace, async (library) => {
    const files = await library.filesBelow('default', workspace.archive);
    expect(files.map((file) => file.path).sort()).toEqual((await archive.files()).sort());
    const videoIds = [...new Set(files.map(({ videoId }) => videoId))].sort((a, b) => a - b);
    expect((await allVideos(library)).map(({ id }) => id).sort((a, b) => a - b)).toEqual(videoIds);
    // A library that has grown may want its scores fitted: that waits for the server.
    expect((await library.pendingJobs()).filter(({ request }) => request.type === 'index')).toEqual([]);
  });
  await expectIndexLikeLibrary(workspace);
  const verified = await workspace.cli(['verify', '--deep', '--json']);
  expect(verified.code, verified.stdout).toBe(0);
  const folder = dataFolderAt(workspace.data);
  expect(await readdir(folder.temporaryFolder)).toEqual([]);
  expect(await readdir(folder.mediaFolder)).toEqual([]);
  // One graph and its sidecar; nothing that was being written when a kill came.
  expect((await readdir(folder.vectorsFolder)).map((name) => path.extname(name)).sort()).toEqual([
    '.hnsw',
    '.json',
  ]);
  await expectNoFfmpeg(workspace);
}

async function allVideos(library: Library): Promise<Video[]> {
  const videos: Video[] = [];
  let cursor: string | undefined;
  do {
    const page = await library.listVideos({ limit: 200, cursor });
    videos.push(...page.videos);
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  return videos;
}
