import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobWithFilesJson } from '../../server/schemas/jobs.js';
import type { SearchAnswerJson } from '../../server/schemas/search.js';
import type { VideoJson, VideoPageJson } from '../../server/schemas/videos.js';
import { expectProblem, formWith, postForm, postJson, until } from './tools/http.js';
import { LIBRARY_VIDEOS, type LiveServer, samplePath, startLiveServer } from './tools/live-server.js';

const NEW = 'face-demographics-walking';

let live: LiveServer;

beforeAll(async () => {
  live = await startLiveServer();
});

afterAll(() => live.close());

async function list(query: string): Promise<VideoPageJson> {
  const response = await fetch(`${live.api}/videos${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as VideoPageJson;
}

async function upload(
  fields: Record<string, string>,
  fileName: string,
  name = NEW,
): Promise<JobWithFilesJson> {
  const response = await postForm(
    `${live.api}/videos`,
    await formWith('video', samplePath(name), fields, fileName),
  );
  expect(response.status, await response.clone().text()).toBe(202);
  const address = live.url + response.headers.get('Location');
  return until('the upload to be indexed', async () => {
    const job = (await (await fetch(address)).json()) as JobWithFilesJson;
    return job.endedAt !== null && job;
  });
}

describe('GET /videos', () => {
  it('pages through all videos, each once', async () => {
    const seen: number[] = [];
    for (let query = '?limit=2'; ; ) {
      const { videos, nextCursor, totalCount } = await list(query);
      expect(totalCount).toBe(LIBRARY_VIDEOS.length);
      expect(videos.length).toBeLessThanOrEqual(2);
      seen.push(...videos.map(({ id }) => id));
      if (nextCursor === null) break;
      query = `?limit=2&cursor=${encodeURIComponent(nextCursor)}`;
    }
    expect(new Set(seen).size).toBe(LIBRARY_VIDEOS.length);
  });

  it('filters, and refuses what it does not know', async () => {
    expect((await list('?q=PEOPLE')).videos.map(({ title }) => title)).toEqual(['people-detection']);
    expect((await list('?q=%25')).totalCount).toBe(0);
    expect((await list('?label=none')).totalCount).toBe(0);
    await expectProblem(await fetch(`${live.api}/videos?collection=none`), 'COLLECTION_NOT_FOUND');
    for (const query of [
      'limit=0',
      'limit=201',
      'limit=',
      'page=2',
      'cursor=%00',
      'q=',
      'q=a&q=b',
      '__proto__=1',
    ]) {
      await expectProblem(await fetch(`${live.api}/videos?${query}`), 'REQUEST_INVALID');
    }
  });
});

describe('POST /videos, GET and DELETE /videos/{id}', () => {
  it('keeps a video under a name of its own, finds it, and forgets it for good', async () => {
    const before = await readdir(live.cliptrace.dataFolder.mediaFolder).catch(() => []);
    const job = await upload({ label: 'walking', collection: 'uploads' }, '../../My Walk.final.mp4');
    expect(job).toMatchObject({ status: 'done', type: 'upload', title: 'My Walk.final', paths: null });
    expect(JSON.stringify(job)).not.toContain(live.cliptrace.dataFolder.root);

    const id = job.videoId as number;
    const video = (await (await fetch(`${live.api}/videos/${id}`)).json()) as VideoJson;
    expect(video).toMatchObject({ id, title: 'My Walk.final', label: 'walking', collection: 'uploads' });
    const kept = await readdir(live.cliptrace.dataFolder.mediaFolder);
    expect(kept).toHaveLength(before.length + 1);
    for (const name of kept) expect(name).toMatch(/^[0-9a-f-]{36}$/);
    expect((await fetch(live.url + video.mediaUrl)).headers.get('Content-Type')).toBe('video/mp4');

    const hitIds = async () => {
      const form = await formWith('clip', samplePath(NEW), { k: '50' });
      const { hits } = (await (await postForm(`${live.api}/search`, form)).json()) as SearchAnswerJson;
      return hits.map((hit) => hit.video.id);
    };
    expect((await hitIds())[0]).toBe(id);

    const removed = await fetch(`${live.api}/videos/${id}`, { method: 'DELETE' });
    expect(removed.status).toBe(204);
    expect(await removed.text()).toBe('');
    expect(await hitIds()).not.toContain(id);
    await expect(readdir(live.cliptrace.dataFolder.mediaFolder)).resolves.toEqual(before);
    await expectProblem(await fetch(`${live.api}/videos/${id}`, { method: 'DELETE' }), 'VIDEO_NOT_FOUND');
    await expectProblem(await fetch(`${live.api}/videos/${id}`), 'VIDEO_NOT_FOUND');
    await expectProblem(await fetch(live.url + video.mediaUrl), 'VIDEO_NOT_FOUND');
  });

  it('takes the title that it is given', async () => {
    const job = await upload({ title: 'A title / with "marks"' }, 'x.mp4');
    const { title } = (await (await fetch(`${live.api}/videos/${job.videoId}`)).json()) as VideoJson;
    expect(title).toBe('A title / with "marks"');
  });

  it('lets an upload that is no video fail alone, and keeps nothing of it', async () => {
    const before = await readdir(live.cliptrace.dataFolder.mediaFolder);
    const form = new FormData();
    form.append('video', new Blob(['text, renamed to look like a video']), 'holiday.mp4');
    const response = await postForm(`${live.api}/videos`, form);
    expect(response.status).toBe(202);
    const { id } = (await response.json()) as { id: number };
    const job = await until('the job to fail', async () => {
      const now = (await (await fetch(`${live.api}/jobs/${id}`)).json()) as JobWithFilesJson;
      return now.endedAt !== null && now;
    });
    expect(job).toMatchObject({ status: 'failed', error: { code: 'NOT_A_VIDEO' }, videoId: null });
    expect(job.error?.message).toContain('holiday');
    expect(JSON.stringify(job)).not.toContain(live.cliptrace.dataFolder.root);
    await expect(readdir(live.cliptrace.dataFolder.mediaFolder)).resolves.toEqual(before);
  });

  it('takes forms only', async () => {
    await expectProblem(await postJson(`${live.api}/videos`, {}), 'MEDIA_TYPE_NOT_SUPPORTED');
  });
});
