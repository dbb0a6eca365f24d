import { createHash } from 'node:crypto';
import { readdir, readFile, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenedCliptrace } from '../../index/cliptrace.js';
import { Admission } from '../../index/ingest/admission.js';
import { ArchiveEmbedder } from '../../index/ingest/archive-embedder.js';
import { ClipBatcher } from '../../index/ingest/clip-batcher.js';
import { FileIndexer } from '../../index/ingest/file-indexer.js';
import { runIndexJob } from '../../index/ingest/index-job.js';
import type { JobFile, Video } from '../../index/library/types.js';
import { defaultMediaLimits } from '../../index/media/limits.js';
import { Thumbnails } from '../../index/thumbnails.js';
import { between, type Random, seeded } from '../fixtures/seeded.js';
import { ShuffledArchive } from '../fixtures/shuffled-archive.js';
import { makeTinyVideos } from '../fixtures/tiny-archive.js';
import { createWorkspace } from '../helpers/workspace.js';

const SEED = 20261128;
const ROUNDS = 24;

let workspace: ReturnType<typeof createWorkspace>;
let cliptrace: OpenedCliptrace;
let batcher: ClipBatcher;
let videos: string[];
let indexer: FileIndexer;
let random: Random;

/** Takes as long for it as a slow disk does for the many pictures of a long video. */
class SlowThumbnails extends Thumbnails {
  override async remove(video: Video): Promise<void> {
    await sleep(between(random, 0, 60));
    await super.remove(video);
  }
}

beforeEach(async () => {
  workspace = createWorkspace();
  random = seeded(SEED);
  videos = await makeTinyVideos(path.join(workspace.root, 'videos'), 6);
  cliptrace = await workspace.open();
  const { library, index, encoder, ffmpeg, dataFolder } = cliptrace;
  batcher = new ClipBatcher({ encoder, maxBatch: 4 });
  const { thumbnailsFolder: folder, temporaryFolder } = dataFolder;
  const limits = defaultMediaLimits;
  indexer = new FileIndexer({
    ...{ library, index, modelId: encoder.manifest.id, limits, uploadLimits: limits },
    embedder: new ArchiveEmbedder({ ffmpeg, batcher, decodes: 2, temporaryFolder, pictureWidthPixels: 64 }),
    thumbnails: new SlowThumbnails({ folder, ffmpeg, limits }),
  });
});

afterEach(async () => {
  batcher.close();
  await cliptrace.close();
  workspace.remove();
});

async function index(folder: string, collection = 'default'): Promise<JobFile[]> {
  const files: JobFile[] = [];
  const metadata = { collection };
  await runIndexJob(
    { type: 'index', paths: [folder], collection, labelFrom: null, prune: true, metadata },
    {
      library: cliptrace.library,
      indexer,
      admission: new Admission({ files: 4, maxFiles: 8, maxBytes: 2 ** 30 }),
      exclude: [],
      mediaFolder: cliptrace.dataFolder.mediaFolder,
      modelId: cliptrace.encoder.manifest.id,
      signal: new AbortController().signal,
      recordedFile: async () => null,
      onFile: async (file) => void files.push(file),
      onProgress: () => undefined,
    },
  );
  return files;
}

async function hashOf(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

async function allVideos(collection: string): Promise<Video[]> {
  return (await cliptrace.library.listVideos({ collection, limit: 1000 })).videos;
}

/** The invariant: a file that is as it was when it was read has the content of the video that the library has at its place. */
async function expectTruth({ folder }: ShuffledArchive, collection: string): Promise<void> {
  for (const { path: file, videoId, ...seen } of await cliptrace.library.filesBelow(collection, folder)) {
    const now = await stat(file).catch(() => null);
    if (now?.size !== seen.sizeBytes || now.mtimeMs !== seen.modifiedMs) continue;
    expect((await cliptrace.library.getVideo(videoId))?.contentHash, file).toBe(await hashOf(file));
  }
}

/** After a job that nothing disturbed: each file is at its place, each video at some place, with its pictures and vectors. */
async function expectAll(archive: ShuffledArchive, collection: string): Promise<void> {
  const { library } = cliptrace;
  await expectTruth(archive, collection);
  const rows = await library.filesBelow(collection, archive.folder);
  expect(rows.map((row) => row.path)).toEqual(await archive.files());
  for (const row of rows) {
    const now = await stat(row.path);
    expect([row.sizeBytes, row.modifiedMs]).toEqual([now.size, now.mtimeMs]);
  }
  const ids = [...new Set(rows.map((row) => row.videoId))];
  expect((await allVideos(collection)).map(({ id }) => id)).toEqual(ids.sort((a, b) => b - a));
}

async function expectPicturesAndVectors(): Promise<void> {
  const { library, dataFolder, encoder } = cliptrace;
  const stored = (await library.listVideos({ limit: 1000 })).videos;
  const strips = stored.map(({ id, contentHash }) => `${id}-${contentHash.slice(0, 16)}.strip`);
  expect((await readdir(dataFolder.thumbnailsFolder)).sort()).toEqual(strips.sort());
  expect(await cliptrace.index.size()).toBe(await library.countSegments(encoder.manifest.id));
}

const keptOf = (video: Video) => ({ id: video.id, addedAt: video.addedAt, label: video.label });

/** Ids, labels and times follow contents, and only what is new is embedded. */
function expectFollowed(before: readonly Video[], after: readonly Video[], files: readonly JobFile[]): void {
  const known = new Map(before.map((video) => [video.contentHash, video]));
  const old = after.filter(({ contentHash }) => known.has(contentHash));
  for (const video of old) expect(keptOf(video)).toEqual(keptOf(known.get(video.contentHash) as Video));
  const embedded = files.filter(({ outcome }) => outcome === 'indexed' || outcome === 'updated');
  expect(embedded).toHaveLength(after.length - old.length);
  expect(files.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
}

async function labelAll(collection: string): Promise<void> {
  for (const { id, contentHash } of await allVideos(collection)) {
    await cliptrace.library.updateVideo(id, { label: contentHash });
  }
}

describe('files that change places', () => {
  it(`have the video of their content after ${ROUNDS} rounds of renames, replacements and rotations`, async () => {
    const collections = ['one', 'two'];
    const archives = collections.map(
      (name) => new ShuffledArchive(path.join(workspace.archive, name), videos, random),
    ) as [ShuffledArchive, ShuffledArchive];
    for (const archive of archives) await archive.fill(7);
    const changeOften = async (archive: ShuffledArchive) => {
      for (let count = between(random, 1, 4); count > 0; count -= 1) await archive.change();
    };
    const followed = async (archive: ShuffledArchive, collection: string) => {
      const before = await allVideos(collection);
      const files = await index(archive.folder, collection);
      expectFollowed(before, await allVideos(collection), files);
      await expectAll(archive, collection);
      await labelAll(collection);
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      // Two collections side by side, as two jobs.
      await Promise.all(archives.map((archive, number) => followed(archive, collections[number] as string)));
      await expectPicturesAndVectors();
      for (const archive of archives) await changeOften(archive);
      if (round % 4 !== 3) continue;
      // And while things go on changing, and somebody removes a video.
      const disturb = async () => {
        await sleep(between(random, 0, 300));
        await changeOften(archives[0]);
        const [some] = await allVideos('one');
        if (some) await cliptrace.removeVideo(some.id);
      };
      await Promise.all([index(archives[0].folder, 'one'), disturb()]);
      await expectTruth(archives[0], 'one');
      await index(archives[0].folder, 'one');
      await labelAll('one');
    }
  }, 300_000);

  it('keep id, title, label and metadata when they are rotated, and are said to have moved', async () => {
    const archive = new ShuffledArchive(workspace.archive, videos, random);
    await archive.fill(6);
    await index(archive.folder);
    await labelAll('default');
    const before = await allVideos('default');
    const files = await archive.files();
    for (const file of [...files].reverse())
      await rename(file, path.join(archive.folder, path.basename(file).replace(/\d{3}/, plusOne)));
    await archive.fill(1);
    const report = await index(archive.folder);
    const outcomes = Object.fromEntries(
      report.map(({ path: file, outcome }) => [path.basename(file), outcome]),
    );
    expect(outcomes).toEqual({
      'rec.001.mp4': 'indexed',
      ...Object.fromEntries([2, 3, 4, 5, 6, 7].map((number) => [`rec.00${number}.mp4`, 'moved'])),
    });
    const after = await allVideos('default');
    expect(after).toHaveLength(7);
    for (const { id, title, label, contentHash } of before) {
      expect(after.find((video) => video.id === id)).toMatchObject({
        contentHash,
        label,
        title: title.replace(/\d+/g, plusOne),
      });
    }
    await expectAll(archive, 'default');
    await expectPicturesAndVectors();
  });
});

const plusOne = (digits: string) => String(Number(digits) + 1).padStart(digits.length, '0');
