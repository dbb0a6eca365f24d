import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DuplicatesJson } from '../../server/schemas/duplicates.js';
import type { SearchAnswerJson, SearchBatchAnswerJson } from '../../server/schemas/search.js';
import type { VideoPageJson } from '../../server/schemas/videos.js';
import { expectProblem, formWith, postForm, postJson } from './tools/http.js';
import { LIBRARY_VIDEOS, type LiveServer, samplePath, startLiveServer } from './tools/live-server.js';

let live: LiveServer;
let ids: number[];

beforeAll(async () => {
  live = await startLiveServer();
  const { videos } = await live.cliptrace.library.listVideos({ limit: 100 });
  ids = videos.map(({ id }) => id).sort((a, b) => a - b);
  for (const [i, id] of ids.entries()) {
    await live.cliptrace.library.putMetadata(id, { camera: String(i), site: i % 2 === 0 ? 'a' : 'b' });
  }
});

afterAll(() => live.close());

async function search(body: object): Promise<SearchAnswerJson> {
  const response = await postJson(`${live.api}/search`, body);
  const answer = await response.json();
  expect(response.status, JSON.stringify(answer)).toBe(200);
  return answer as SearchAnswerJson;
}

const idsOf = ({ hits }: SearchAnswerJson) => hits.map(({ video }) => video.id);

describe('filters', () => {
  it('by metadata: a value, a set, a range, all of several', async () => {
    const found = async (meta: object) => idsOf(await search({ videoId: ids[0], k: 50, meta })).sort();
    const [first, second, third] = ids as [number, number, number];
    await expect(found({ camera: 1 })).resolves.toEqual([second]);
    await expect(found({ camera: ['0', 2] })).resolves.toEqual([first, third].sort());
    await expect(found({ camera: { min: 1 } })).resolves.toEqual(ids.slice(1).sort());
    await expect(found({ camera: { min: 0, max: 2 }, site: 'a' })).resolves.toEqual([first, third].sort());
    await expect(found({ camera: 77 })).resolves.toEqual([]);
    await expect(found({ nothing: 'x' })).resolves.toEqual([]);
  });

  it('by the same in a form and in a query', async () => {
    const form = await formWith('clip', samplePath(LIBRARY_VIDEOS[0] as string), {
      'meta.camera': '1..2',
      k: '50',
    });
    const answer = (await (await postForm(`${live.api}/search`, form)).json()) as SearchAnswerJson;
    expect(idsOf(answer).sort()).toEqual(ids.slice(1, 3).sort());
    const page = (await (await fetch(`${live.api}/videos?meta.site=b`)).json()) as VideoPageJson;
    expect(page.videos.every(({ meta }) => meta.site === 'b')).toBe(true);
    expect(page.totalCount).toBe(Math.floor(ids.length / 2));
  });

  it('by a key that no record can hold are refused, not passed over', async () => {
    await expectProblem(await fetch(`${live.api}/videos?meta.__proto__=x`), 'REQUEST_INVALID');
    const meta = JSON.parse('{"__proto__": "x"}');
    await expectProblem(await postJson(`${live.api}/search`, { videoId: ids[0], meta }), 'REQUEST_INVALID');
    const form = await formWith('clip', samplePath(LIBRARY_VIDEOS[0] as string), { 'meta.__proto__': 'x' });
    await expectProblem(await postForm(`${live.api}/search`, form), 'REQUEST_INVALID');
  });

  it('by duration, date and path', async () => {
    const page = async (query: string) =>
      ((await (await fetch(`${live.api}/videos?${query}`)).json()) as VideoPageJson).totalCount;
    await expect(page('minDurationSeconds=100000')).resolves.toBe(0);
    await expect(page('maxDurationSeconds=100000')).resolves.toBe(ids.length);
    await expect(page('addedFrom=2020-01-01T00:00:00Z')).resolves.toBe(ids.length);
    const problem = await expectProblem(
      await fetch(`${live.api}/videos?addedFrom=yesterday`),
      'REQUEST_INVALID',
    );
    expect(problem.detail).toContain(
      'addedFrom must be a time like 2026-01-31T12:00:00Z (UTC), but is "yesterday"',
    );
    await expect(page('addedBefore=2020-01-01T00:00:00Z')).resolves.toBe(0);
    const [file] = await live.cliptrace.library.filesOf(ids[0] as number);
    await expect(page(`pathPrefix=${encodeURIComponent(file?.path ?? '')}`)).resolves.toBe(1);
    await expect(page('pathPrefix=/nowhere/')).resolves.toBe(0);
  });

  it('refuses what says nothing', async () => {
    await expectProblem(await fetch(`${live.api}/videos?meta.camera=..`), 'REQUEST_INVALID');
    await expectProblem(await fetch(`${live.api}/videos?meta.camera=5..1`), 'REQUEST_INVALID');
    const body = { videoId: ids[0], meta: { camera: { min: 3, max: 1 } } };
    await expectProblem(await postJson(`${live.api}/search`, body), 'REQUEST_INVALID');
  });
});

describe('forms of query', () => {
  it('embeddings of the model find the segment that they are of', async () => {
    const videoId = ids[1] as number;
    const { library, encoder } = live.cliptrace;
    const modelId = encoder.manifest.id;
    const { vectors } = await library.embeddingsOf(videoId, modelId);
    const embedding = [...vectors.subarray(0, encoder.manifest.dimension)].map((value) => 3 * value);
    const { hits } = await search({ embeddings: [embedding], modelId, k: 2 });
    expect(hits[0]?.video.id).toBe(videoId);
    expect(hits[0]?.similarity).toBeCloseTo(1, 3);
    expect(hits[0]?.startSeconds).toBe(0);
    await expectProblem(
      await postJson(`${live.api}/search`, { embeddings: [embedding], modelId: 'another' }),
      'MODEL_MISMATCH',
    );
    await expectProblem(
      await postJson(`${live.api}/search`, { embeddings: [[1, 2]], modelId }),
      'VECTOR_INVALID',
    );
    await expectProblem(
      await postJson(`${live.api}/search`, { embeddings: [embedding.map(() => 0)], modelId }),
      'VECTOR_INVALID',
    );
  });

  it('examples find others, and move away from what is unlike', async () => {
    const [one, two] = ids as [number, number];
    const plain = await search({ like: [one], k: 50 });
    expect(idsOf(plain)).not.toContain(one);
    expect(plain.hits.length).toBe(ids.length - 1);
    const moved = await search({ like: [one], unlike: [two], k: 50 });
    expect(idsOf(moved)).not.toContain(two);
    await expectProblem(await postJson(`${live.api}/search`, { like: [99_999] }), 'VIDEO_NOT_FOUND');
    await expectProblem(await postJson(`${live.api}/search`, { unlike: [one] }), 'REQUEST_INVALID');
    await expectProblem(
      await postJson(`${live.api}/search`, { videoId: one, like: [two] }),
      'REQUEST_INVALID',
    );
  });

  it('takes as many embeddings as are documented, with all their digits', async () => {
    const { id: modelId, dimension } = live.cliptrace.encoder.manifest;
    const embeddings = Array.from({ length: 64 }, (_, at) => {
      const values = Array.from({ length: dimension }, (_, i) => Math.sin(1 + at * dimension + i));
      const norm = Math.hypot(...values);
      return values.map((value) => value / norm);
    });
    expect(JSON.stringify(embeddings).length).toBeGreaterThan(300_000);
    expect((await search({ embeddings, modelId, k: 1 })).hits).toHaveLength(1);
    await expectProblem(
      await postJson(`${live.api}/search`, { embeddings: [...embeddings, embeddings[0]], modelId }),
      'REQUEST_INVALID',
    );
    await expectProblem(
      await postJson(`${live.api}/search`, { videoId: ids[0], label: 'x'.repeat(17 * 1024 * 1024) }),
      'UPLOAD_TOO_LARGE',
    );
  });

  it('a search of a batch that is none has a problem in its place, and the others are answered', async () => {
    const wrong = [
      { videoId: ids[0], k: 500 },
      null,
      'x',
      {},
      JSON.parse('{"videoId": 1, "meta": {"__proto__": "x"}}'),
    ];
    const searches = [{ videoId: ids[0], k: 1 }, ...wrong, { videoId: ids[1], k: 1 }];
    const response = await postJson(`${live.api}/search/batch`, { searches });
    expect(response.status).toBe(200);
    const { answers } = (await response.json()) as SearchBatchAnswerJson;
    expect(answers).toMatchObject([
      { answer: { hits: [{ video: { id: ids[0] } }] } },
      ...wrong.map(() => ({ problem: { code: 'REQUEST_INVALID', status: 400 } })),
      { answer: { hits: [{ video: { id: ids[1] } }] } },
    ]);
    expect(answers[1]).toMatchObject({
      problem: { errors: [{ field: 'k', message: 'must be at most 200, but is 500' }] },
    });
    for (const body of [{ searches: [] }, { searches: {} }, { searches: Array(101).fill({ videoId: 1 }) }]) {
      await expectProblem(await postJson(`${live.api}/search/batch`, body), 'REQUEST_INVALID');
    }
  });

  it('a batch answers each search on its own', async () => {
    const searches = [{ videoId: ids[0], k: 1 }, { videoId: 99_999 }, { like: [ids[1]], k: 1 }];
    const response = await postJson(`${live.api}/search/batch`, { searches });
    expect(response.status).toBe(200);
    const { answers } = (await response.json()) as SearchBatchAnswerJson;
    expect(answers).toMatchObject([
      { answer: { hits: [{ video: { id: ids[0] } }] } },
      { problem: { code: 'VIDEO_NOT_FOUND', status: 404 } },
      { answer: { hits: [{}] } },
    ]);
  });
});

describe('pages', () => {
  it('give every hit once, in order, also when a video goes in between', async () => {
    const all = idsOf(await search({ videoId: ids[0], k: 200 }));
    const paged: number[] = [];
    let cursor: string | null = null;
    do {
      const page: SearchAnswerJson = await search({ videoId: ids[0], k: 2, ...(cursor ? { cursor } : {}) });
      expect(page.hits.length).toBeLessThanOrEqual(2);
      paged.push(...idsOf(page));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(paged).toEqual(all);
    await expectProblem(
      await postJson(`${live.api}/search`, { videoId: ids[0], cursor: 'bm9uc2Vuc2U' }),
      'REQUEST_INVALID',
    );
  });
});

describe('near-duplicates', () => {
  it('are listed by a job, collapsed in an answer, and found as similar videos', async () => {
    const [original] = (await live.cliptrace.library.listVideos({ limit: 100 })).videos;
    const files = await live.cliptrace.library.filesOf(original?.id as number);
    // The same content in another collection is another video of the same footage.
    const copied = await live.cliptrace.jobs.submit({
      type: 'index',
      paths: [files[0]?.path as string],
      collection: 'copies',
      labelFrom: null,
      prune: false,
    });
    await live.cliptrace.jobs.wait(copied.id);
    const [copy] = (await live.cliptrace.library.listVideos({ collection: 'copies', limit: 1 })).videos;
    const pair = [original?.id as number, copy?.id as number].sort((a, b) => a - b);

    const response = await fetch(`${live.api}/videos/${original?.id}/similar?k=1`);
    const similar = (await response.json()) as SearchAnswerJson;
    expect(similar).toMatchObject({ verdict: 'same-footage', hits: [{ video: { id: copy?.id } }] });

    const apart = await search({ videoId: original?.id, k: 2 });
    expect(idsOf(apart).sort((a, b) => a - b)).toEqual(pair);
    const together = await search({ videoId: original?.id, k: 2, collapse: 'duplicates' });
    expect(together.hits[0]?.duplicates?.length).toBe(1);
    expect([together.hits[0]?.video.id, together.hits[0]?.duplicates?.[0]?.video.id].sort()).toEqual(
      pair.sort(),
    );

    const created = await postJson(`${live.api}/duplicates`, {});
    expect(created.status).toBe(202);
    const { job } = (await created.json()) as DuplicatesJson;
    await live.cliptrace.jobs.wait(job.id);
    const listed = await fetch(live.url + (created.headers.get('Location') as string));
    const { report } = (await listed.json()) as DuplicatesJson;
    expect(report?.groups.length).toBe(1);
    expect(report?.groups[0]?.videos.map(({ id }) => id)).toEqual(pair.sort((a, b) => a - b));
    expect(report?.groups[0]?.pairs[0]).toMatchObject({ offsetSeconds: expect.closeTo(0, 1), speed: 1 });
    await expectProblem(await fetch(`${live.api}/duplicates/${copied.id}`), 'JOB_NOT_FOUND');
  });
});
