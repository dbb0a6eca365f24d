import { chmod, copyFile, mkdir, readdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenedCliptrace } from '../../index/cliptrace.js';
import { ffmpeg } from '../fixtures/videos.js';
import { createWorkspace, indexInto, SAMPLES_FOLDER } from '../helpers/workspace.js';

const CAR = 'car-detection.mp4';
const CLASSROOM = 'classroom.mp4';
const PEOPLE = 'people-detection.mp4';

let workspace: ReturnType<typeof createWorkspace>;
let cliptrace: OpenedCliptrace;

beforeEach(async () => {
  workspace = createWorkspace();
  await mkdir(workspace.archive);
  cliptrace = await workspace.open();
});

afterEach(async () => {
  await cliptrace.close();
  workspace.remove();
});

const index = (options?: Parameters<typeof indexInto>[2]) =>
  indexInto(cliptrace, [workspace.archive], options);
const videoCount = async () => (await cliptrace.library.listVideos({ limit: 100 })).totalCount;
/** Every segment of the library is in the vector index, and nothing else. */
const expectIndexToAgree = async () =>
  expect(await cliptrace.index.size()).toBe(
    await cliptrace.library.countSegments(cliptrace.encoder.manifest.id),
  );

describe('indexing an archive', () => {
  it('embeds each video once, with segments that cover it, and does nothing the second time', async () => {
    const classroom = await workspace.addSample(CLASSROOM);
    const people = await workspace.addSample(PEOPLE, 'deep/er/people.mp4');
    const first = await index();
    expect([first.outcomeOf(classroom), first.outcomeOf(people)]).toEqual(['indexed', 'indexed']);
    expect(first.job.status).toBe('done');
    const { videoId } = first.files.find((file) => file.path === classroom) as { videoId: number };
    const video = await cliptrace.library.getVideo(videoId);
    expect(video).toMatchObject({
      title: 'classroom',
      width: 426,
      height: 240,
      codec: 'h264',
      damaged: false,
    });
    expect(video?.durationSeconds).toBeCloseTo(3, 0);
    const segments = await cliptrace.library.segmentsOf(video?.id ?? 0, cliptrace.encoder.manifest.id);
    expect(segments[0]?.startSeconds).toBe(0);
    expect(segments.at(-1)?.endSeconds).toBeCloseTo(video?.durationSeconds ?? 0, 2);
    const second = await index();
    expect(second.files.map((file) => file.outcome)).toEqual(['unchanged', 'unchanged']);
    expect(second.job.progress).toMatchObject({ filesDone: 0, filesSkipped: 2, segments: 0 });
    await expectIndexToAgree();
  });

  it('keeps one video when its file is copied, moved or renamed, and the title follows the name', async () => {
    const original = await workspace.addSample(CLASSROOM, 'a.mp4');
    await index();
    const copy = path.join(workspace.archive, 'copy.mp4');
    await copyFile(original, copy);
    expect((await index()).outcomeOf(copy)).toBe('duplicate');
    expect(await videoCount()).toBe(1);
    await rm(copy);
    await index({ prune: true });

    const moved = path.join(workspace.archive, 'elsewhere', 'b.mp4');
    await mkdir(path.dirname(moved));
    await rename(original, moved);
    expect((await index()).outcomeOf(moved)).toBe('moved');
    const { videos } = await cliptrace.library.listVideos({ limit: 10 });
    expect(videos).toMatchObject([{ id: 1, title: 'b' }]);
    expect((await cliptrace.library.filesOf(1)).map((file) => file.path)).toEqual([moved]);
    await expectIndexToAgree();
  });

  it('indexes two equal files of one scan once', async () => {
    await workspace.addSample(CLASSROOM, 'a.mp4');
    await workspace.addSample(CLASSROOM, 'b.mp4');
    const { files } = await index();
    expect(files.map((file) => file.outcome).sort()).toEqual(['duplicate', 'indexed']);
    expect(await videoCount()).toBe(1);
  });

  it('embeds a changed file again under the same id', async () => {
    const file = await workspace.addSample(CLASSROOM, 'a.mp4');
    await index();
    const before = await cliptrace.library.getVideo(1);
    await copyFile(path.join(SAMPLES_FOLDER, PEOPLE), file);
    expect((await index()).outcomeOf(file)).toBe('updated');
    const after = await cliptrace.library.getVideo(1);
    expect(after?.contentHash).not.toBe(before?.contentHash);
    expect(await videoCount()).toBe(1);
    await expectIndexToAgree();
  });

  it('does not embed again what was only touched', async () => {
    const file = await workspace.addSample(CLASSROOM);
    await index();
    await utimes(file, new Date(), new Date(Date.now() + 60_000));
    const { job, outcomeOf } = await index();
    expect(outcomeOf(file)).toBe('unchanged');
    expect(job.progress.segments).toBe(0);
  });

  it('reports a deleted file, and removes its video, pictures included, only with prune', async () => {
    const gone = await workspace.addSample(CLASSROOM);
    await workspace.addSample(PEOPLE);
    await index();
    for (const { id } of (await cliptrace.library.listVideos({ limit: 10 })).videos)
      await cliptrace.thumbnail(id, 0.5);
    await rm(gone);
    expect((await index()).outcomeOf(gone)).toBe('missing');
    expect(await videoCount()).toBe(2);
    expect((await index({ prune: true })).outcomeOf(gone)).toBe('pruned');
    expect(await videoCount()).toBe(1);
    const [kept] = (await cliptrace.library.listVideos({ limit: 10 })).videos;
    const pictures = await readdir(cliptrace.dataFolder.thumbnailsFolder);
    expect(pictures).not.toEqual([]);
    expect(pictures.filter((name) => !name.startsWith(`${kept?.id}-`))).toEqual([]);
    await expectIndexToAgree();
  });

  it('takes for deleted what a link leads to no longer, and what is a folder or a text now', async () => {
    const target = path.join(workspace.root, 'target.mp4');
    await copyFile(path.join(SAMPLES_FOLDER, CAR), target);
    const link = path.join(workspace.archive, 'link.mp4');
    await symlink(target, link);
    const folder = await workspace.addSample(CLASSROOM, 'folder.mp4');
    const text = await workspace.addSample(PEOPLE, 'no-extension');
    // It still claims to be a video: that it is none is for someone to look at.
    const spoilt = await workspace.addSample('head-pose-face-detection-male.mp4', 'spoilt.mp4');
    await index();
    expect(await videoCount()).toBe(4);
    for (const path of [target, folder]) await rm(path);
    await mkdir(folder);
    await writeFile(text, 'no video');
    await writeFile(spoilt, 'no video');
    const report = await index();
    expect([link, folder, text, spoilt].map(report.outcomeOf)).toEqual([
      ...['missing', 'missing', 'missing'],
      'failed',
    ]);
    // Each of them is told once.
    expect(report.files).toHaveLength(4);
    expect(report.job.progress).toMatchObject({ filesTotal: 1, filesFailed: 1 });
    const pruned = await index({ prune: true });
    expect([link, folder, text].map(pruned.outcomeOf)).toEqual(['pruned', 'pruned', 'pruned']);
    const { videos } = await cliptrace.library.listVideos({ limit: 10 });
    expect(videos.map(({ title }) => title)).toEqual(['spoilt']);
    // Now the link is nothing but a link that leads nowhere.
    expect((await index()).outcomeOf(link)).toBe('failed');
    await expectIndexToAgree();
  });

  it('forgets nothing when the archive as a whole is not there', async () => {
    await workspace.addSample(CLASSROOM);
    await index();
    await rename(workspace.archive, `${workspace.archive}-unmounted`);
    const { job } = await index({ prune: true });
    expect(job.status).toBe('failed');
    expect(job.error?.code).toBe('FILE_NOT_FOUND');
    expect(await videoCount()).toBe(1);
  });

  it('lets bad files fail alone, each with a code, and passes over what is no video', async () => {
    const good = await workspace.addSample(CLASSROOM, ' -odd "name"\n影片.mp4');
    const write = async (name: string, content: string | Buffer) => {
      const file = path.join(workspace.archive, name);
      await writeFile(file, content);
      return file;
    };
    const empty = await write('empty.mp4', '');
    const text = await write('text.mp4', 'this is no video at all, whatever its name says');
    const playlist = await write('playlist.mp4', '#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n');
    const notes = await write('notes.txt', 'not a video, and does not claim it');
    await symlink(workspace.archive, path.join(workspace.archive, 'loop'));
    await symlink(path.join(workspace.archive, 'nothing'), path.join(workspace.archive, 'dangling.mp4'));
    const { job, files, outcomeOf } = await index();
    expect(job.status).toBe('done');
    expect(outcomeOf(good)).toBe('indexed');
    const codeOf = (file: string) => files.find((one) => one.path === file)?.code;
    expect(codeOf(empty)).toBe('FILE_EMPTY');
    expect(codeOf(text)).toBe('NOT_A_VIDEO');
    expect(codeOf(playlist)).toMatch(/^(CONTAINER_NOT_ALLOWED|NOT_A_VIDEO)$/);
    expect(codeOf(path.join(workspace.archive, 'dangling.mp4'))).toBe('FILE_NOT_FOUND');
    expect(outcomeOf(notes)).toBeUndefined();
    expect(job.progress).toMatchObject({ filesDone: 1, filesFailed: 4 });
  });

  it('finds a video by its content when its name does not say so', async () => {
    const file = await workspace.addSample(CLASSROOM, 'no-extension');
    expect((await index()).outcomeOf(file)).toBe('indexed');
  });

  it('takes labels from the folders, and corrects them without embedding again', async () => {
    await workspace.addSample(CLASSROOM, 'school/one.mp4');
    await index();
    expect((await cliptrace.library.getVideo(1))?.label).toBeNull();
    const { job } = await index({ labelFrom: 'folder' });
    expect(job.progress.segments).toBe(0);
    expect((await cliptrace.library.getVideo(1))?.label).toBe('school');
  });

  it('keeps collections apart', async () => {
    await workspace.addSample(CLASSROOM);
    await index({ collection: 'one' });
    await index({ collection: 'two' });
    const { videos } = await cliptrace.library.listVideos({ limit: 10 });
    expect(videos.map((video) => video.collection).sort()).toEqual(['one', 'two']);
  });

  it.skipIf(process.getuid?.() === 0)('reports an unreadable folder and goes on', async () => {
    const file = await workspace.addSample(CLASSROOM);
    const closed = path.join(workspace.archive, 'closed');
    await mkdir(closed, { mode: 0 });
    const { files, outcomeOf } = await index();
    await chmod(closed, 0o755);
    expect(outcomeOf(file)).toBe('indexed');
    expect(files.find((one) => one.path === closed)?.code).toBe('FILE_NOT_READABLE');
  });

  it('cancels between files, keeps what is finished and goes on later', async () => {
    for (const sample of [CLASSROOM, PEOPLE]) await workspace.addSample(sample);
    // Too large to share a process with the others, and far from done when they are.
    const long = path.join(workspace.archive, 'z-long.mp4');
    await ffmpeg('-stream_loop', '4', '-i', path.join(SAMPLES_FOLDER, CAR), '-c', 'copy', long);
    const job = await cliptrace.jobs.submit({
      type: 'index',
      paths: [workspace.archive],
      collection: 'default',
      labelFrom: null,
      prune: false,
    });
    const unsubscribe = cliptrace.jobs.subscribe(job.id, (event) => {
      if (event.type === 'file') void cliptrace.jobs.cancel(job.id).catch(() => undefined);
    });
    const ended = await cliptrace.jobs.run(job);
    unsubscribe();
    expect(ended.status).toBe('cancelled');
    expect(await videoCount()).toBeGreaterThanOrEqual(1);
    expect(await videoCount()).toBeLessThan(3);
    await expect(cliptrace.jobs.cancel(job.id)).rejects.toMatchObject({ code: 'JOB_ALREADY_ENDED' });
    await index();
    expect(await videoCount()).toBe(3);
    await expectIndexToAgree();
  });
});
