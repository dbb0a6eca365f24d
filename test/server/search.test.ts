import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SearchAnswerJson } from '../../server/schemas/search.js';
import type { VideoPageJson } from '../../server/schemas/videos.js';
import { expectProblem, formWith, postForm, postJson } from './tools/http.js';
import { LIBRARY_VIDEOS, type LiveServer, samplePath, startLiveServer } from './tools/live-server.js';

const WANTED = 'person-bicycle-car-detection';

let live: LiveServer;
let videoId: number;

beforeAll(async () => {
  live = await startLiveServer();
  const page = (await (await fetch(`${live.api}/videos?q=${WANTED}`)).json()) as VideoPageJson;
  videoId = page.videos[0]?.id as number;
});

afterAll(() => live.close());

async function answerOf(response: Response): Promise<SearchAnswerJson> {
  const body = await response.json();
  expect(response.status, JSON.stringify(body)).toBe(200);
  return body as SearchAnswerJson;
}

describe('POST /search with a file', () => {
  it('finds the video that the file is a copy of, first', async () => {
    const { hits, model, timings } = await answerOf(
      await postForm(`${live.api}/search`, await formWith('clip', samplePath(WANTED), { k: '2' })),
    );
    expect(hits).toHaveLength(2);
    expect(hits[0]?.video).toMatchObject({ id: videoId, title: WANTED, collection: 'default', label: null });
    expect(hits[0]?.score).toBeGreaterThan(hits[1]?.score as number);
    expect(model.id).toBe(live.cliptrace.encoder.manifest.id);
    expect(timings.totalMs).toBeGreaterThanOrEqual(timings.searchMs);
    await expect(live.temporaryFiles()).resolves.toEqual([]);
  });

  it('gives addresses of hits that answer', async () => {
    const { hits } = await answerOf(
      await postForm(`${live.api}/search`, await formWith('clip', samplePath(WANTED), { k: '1' })),
    );
    const hit = hits[0] as SearchAnswerJson['hits'][number];
    const at = Number(new URL(hit.thumbnailUrl, live.url).searchParams.get('atSeconds'));
    expect(at).toBeCloseTo((hit.startSeconds + hit.endSeconds) / 2, 2);
    expect(hit.mediaUrl).toMatch(/^\/api\/v1\/videos\/\d+\/media#t=[\d.]+,[\d.]+$/);
    const thumbnail = await fetch(live.url + hit.thumbnailUrl);
    expect(thumbnail.headers.get('Content-Type')).toBe('image/jpeg');
    const bytes = new Uint8Array(await thumbnail.arrayBuffer());
    expect([...bytes.subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff]);
    expect((await fetch(live.url + hit.mediaUrl)).status).toBe(200);
  });

  it('explains a hit when it is asked to', async () => {
    const { hits } = await answerOf(
      await postForm(
        `${live.api}/search`,
        await formWith('clip', samplePath(WANTED), { k: '1', explain: 'true' }),
      ),
    );
    const [hit] = hits;
    const explanation = hit?.explanation;
    expect(explanation?.similarities.length).toBe(explanation?.queryStartsSeconds.length);
    expect(explanation?.similarities[0]?.length).toBe(explanation?.videoStartsSeconds.length);
    expect(explanation?.path[0]).toEqual({
      querySeconds: hit?.queryStartSeconds,
      videoSeconds: hit?.startSeconds,
    });
    expect(explanation?.path.at(-1)).toEqual({
      querySeconds: hit?.queryEndSeconds,
      videoSeconds: hit?.endSeconds,
    });
    expect(hit?.parts.length).toBe(1);
    expect(hit).toMatchObject({ speed: 1, mirrored: false });
    const silent = await answerOf(await postJson(`${live.api}/search`, { videoId, k: 1 }));
    expect(silent.hits[0]?.explanation).toBeNull();
  });

  it('searches with a part of the file', async () => {
    const part = { startSeconds: '1', endSeconds: '3' };
    const { hits } = await answerOf(
      await postForm(`${live.api}/search`, await formWith('clip', samplePath(WANTED), part)),
    );
    expect(hits[0]?.queryStartSeconds).toBeGreaterThanOrEqual(1);
    expect(hits[0]?.queryEndSeconds).toBeLessThanOrEqual(3.01);
    const response = await postForm(
      `${live.api}/search`,
      await formWith('clip', samplePath(WANTED), { startSeconds: '100', endSeconds: '101' }, 'my clip.mp4'),
    );
    const { detail } = await expectProblem(response, 'RANGE_NOT_IN_VIDEO');
    expect(detail).toContain('my clip.mp4');
  });

  it('carries the warning of an outdated ffmpeg, once', async () => {
    const { warnings } = await answerOf(
      await postForm(`${live.api}/search`, await formWith('clip', samplePath(WANTED))),
    );
    const { warning } = live.cliptrace.ffmpeg;
    expect(warnings).toEqual(warning === null ? [] : [{ code: 'FFMPEG_OUTDATED', message: warning }]);
  });

  it.each([
    ['k', '0', 'at least 1'],
    ['k', '201', 'at most 200'],
    ['k', '1.5', 'whole number'],
    ['k', '0x10', 'a number'],
    ['k', '', 'a number'],
    ['k', ' 1', 'a number'],
    ['k', 'Infinity', 'a number'],
    ['perVideo', '0', 'at least 1'],
    ['explain', 'yes', 'a boolean'],
    ['startSeconds', '-1', 'at least 0'],
    ['startSeconds', 'NaN', 'a number'],
    ['collection', '', 'at least 1'],
    ['collection', 'a\nb', 'control characters'],
    ['colection', 'x', 'not a known field'],
    ['__proto__', 'x', 'not a known field'],
  ])('refuses %s = %j', async (field, value, reason) => {
    const form = await formWith('clip', samplePath(WANTED), { [field]: value });
    const response = await postForm(`${live.api}/search`, form);
    const problem = await expectProblem(response, 'REQUEST_INVALID');
    expect(problem.errors).toEqual([{ field, message: expect.stringContaining(reason) }]);
    expect(problem.detail).toContain(field);
    await expect(live.temporaryFiles()).resolves.toEqual([]);
  });

  it('refuses a range that ends before it starts', async () => {
    const form = await formWith('clip', samplePath(WANTED), { startSeconds: '3', endSeconds: '2' });
    const problem = await expectProblem(await postForm(`${live.api}/search`, form), 'REQUEST_INVALID');
    expect(problem.errors).toEqual([{ field: 'endSeconds', message: 'must be greater than startSeconds' }]);
  });

  it('calls a file that is no video by the name that its sender gave it', async () => {
    const form = new FormData();
    form.append('clip', new Blob(['just some text, renamed']), '../../tmp/evil name.mp4');
    const problem = await expectProblem(await postForm(`${live.api}/search`, form), 'NOT_A_VIDEO');
    expect(problem.detail).toContain('evil name.mp4');
    expect(problem.detail).not.toContain(live.cliptrace.dataFolder.root);
    expect(problem.detail).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}/);
    await expect(live.temporaryFiles()).resolves.toEqual([]);
  });
});

describe('POST /search with a video of the library', () => {
  it('finds the others, and tells them by perVideo and k', async () => {
    const one = await answerOf(await postJson(`${live.api}/search`, { videoId, k: 200 }));
    expect(new Set(one.hits.map(({ video }) => video.id)).size).toBe(one.hits.length);
    expect(one.hits.length).toBeLessThanOrEqual(LIBRARY_VIDEOS.length);
    const many = await answerOf(await postJson(`${live.api}/search`, { videoId, k: 1 }));
    expect(many.hits).toHaveLength(1);
    expect(many.warnings).toEqual([]);
  });

  it('leaves that video out when asked to', async () => {
    const idsWith = async (options: object) => {
      const { hits } = await answerOf(await postJson(`${live.api}/search`, { videoId, ...options }));
      return hits.map(({ video }) => video.id);
    };
    expect((await idsWith({}))[0]).toBe(videoId);
    expect(await idsWith({ excludeSelf: true })).not.toContain(videoId);
    const form = await formWith('clip', samplePath(WANTED), { excludeSelf: 'true' });
    await expectProblem(await postForm(`${live.api}/search`, form), 'REQUEST_INVALID');
  });

  it('says that a video, a collection, or a part is not there', async () => {
    await expectProblem(await postJson(`${live.api}/search`, { videoId: 999 }), 'VIDEO_NOT_FOUND');
    await expectProblem(
      await postJson(`${live.api}/search`, { videoId, collection: 'none' }),
      'COLLECTION_NOT_FOUND',
    );
    await expectProblem(
      await postJson(`${live.api}/search`, { videoId, startSeconds: 99 }),
      'RANGE_NOT_IN_VIDEO',
    );
  });

  it.each([
    [{ videoId: '1' }, 'videoId'],
    [{ videoId: 0 }, 'videoId'],
    [{ videoId: 1.5 }, 'videoId'],
    [{ videoId: 1e300 }, 'videoId'],
    [{}, 'videoId'],
    [{ videoId: 1, k: '5' }, 'k'],
    [{ videoId: 1, k: null }, 'k'],
    [{ videoId: 1, extra: true }, 'extra'],
    [{ videoId: 1, startSeconds: 2, endSeconds: 2 }, 'endSeconds'],
  ])('refuses %j', async (body, field) => {
    const problem = await expectProblem(await postJson(`${live.api}/search`, body), 'REQUEST_INVALID');
    expect(problem.errors?.map((error) => error.field)).toEqual([field]);
  });

  it.each(['', '{', '[]', 'null', '"x"', '7', '{"videoId":1}}'])('refuses the body %j', async (body) => {
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch(`${live.api}/search`, { method: 'POST', headers, body });
    await expectProblem(response, 'REQUEST_INVALID');
  });

  it('refuses parameters in the query string, where they would be overlooked', async () => {
    const problem = await expectProblem(
      await postJson(`${live.api}/search?k=5`, { videoId }),
      'REQUEST_INVALID',
    );
    expect(problem.errors?.[0]).toMatchObject({
      field: 'k',
      message: expect.stringContaining('query string'),
    });
  });

  it('refuses other content types, and bodies that are too long or compressed', async () => {
    const post = (headers: Record<string, string>, body: string) =>
      fetch(`${live.api}/search`, { method: 'POST', headers, body });
    await expectProblem(await post({ 'Content-Type': 'text/plain' }, '{}'), 'MEDIA_TYPE_NOT_SUPPORTED');
    await expectProblem(
      await post({ 'Content-Type': 'multipart/mixed; boundary=x' }, '--x--'),
      'MEDIA_TYPE_NOT_SUPPORTED',
    );
    await expectProblem(await fetch(`${live.api}/search`, { method: 'POST' }), 'MEDIA_TYPE_NOT_SUPPORTED');
    const json = { 'Content-Type': 'application/json' };
    await expectProblem(await post({ ...json, 'Content-Encoding': 'gzip' }, 'x'), 'MEDIA_TYPE_NOT_SUPPORTED');
    await expectProblem(
      await post(json, JSON.stringify({ pad: 'x'.repeat(17_000_000) })),
      'UPLOAD_TOO_LARGE',
    );
  });
});
