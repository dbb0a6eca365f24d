import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CliptraceClient } from '../../server/client/index.js';
import { expectProblem, formWith, postForm, postJson } from './tools/http.js';
import { bearer, makeKey } from './tools/keys.js';
import { type LiveServer, samplePath, startLiveServer } from './tools/live-server.js';

let live: LiveServer;
let admin: string;

beforeAll(async () => {
  live = await startLiveServer({
    videos: ['people-detection'],
    configuration: { authentication: true },
    prepare: async ({ library }) => {
      admin = await makeKey(library, ['admin']);
    },
  });
});

afterAll(() => live.close());

/** Value of a series, by its name and labels as Prometheus writes them; null when there is none. */
async function seriesValue(series: string): Promise<number | null> {
  const text = await new CliptraceClient({ url: live.url, key: admin }).getMetrics();
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? null : Number(line.slice(series.length + 1));
}

it('are for admin keys, also where Prometheus looks for them', async () => {
  await expectProblem(await fetch(`${live.url}/metrics`), 'KEY_REQUIRED');
  const response = await fetch(`${live.url}/metrics`, bearer(admin));
  expect(response.headers.get('Content-Type')).toMatch(/^text\/plain; version=0\.0\.4/);
  // Each line is a comment or a series with a number.
  for (const line of (await response.text()).trim().split('\n')) {
    expect(line).toMatch(/^(#.*|)$|^[a-z0-9_]+(\{[^}]*\})? (-?[\d.e+-]+|NaN|\+Inf)$/i);
  }
});

it('count requests by route and status, searches by stage, and failures of ffmpeg by code', async () => {
  const api = live.api;
  await (await fetch(`${api}/videos/1`, bearer(admin))).text();
  await (await postJson(`${api}/search`, { videoId: 1 }, bearer(admin))).text();
  const broken = join(live.outside, 'broken.mp4');
  await writeFile(broken, Buffer.from('00000010667479706973 6f6d00000200'.replaceAll(' ', ''), 'hex'));
  const form = await formWith('clip', broken);
  const { code } = await expectProblem(await postForm(`${api}/search`, form, bearer(admin)), 'DECODE_FAILED');
  expect(
    await seriesValue('cliptrace_http_request_seconds_count{method="GET",route="/videos/{id}",status="200"}'),
  ).toBe(1);
  expect(await seriesValue('cliptrace_search_stage_seconds_count{stage="search"}')).toBe(1);
  expect(await seriesValue(`cliptrace_ffmpeg_failures_total{code="${code}"}`)).toBe(1);
  expect(await seriesValue(`cliptrace_problems_total{code="${code}"}`)).toBe(1);
});

it('tell queue, index, library and event loop as they are', async () => {
  const { library, jobs, indexSize } = live.cliptrace;
  expect(await seriesValue('cliptrace_index_segments')).toBe(await indexSize());
  expect(await seriesValue('cliptrace_library_videos')).toBe(1);
  expect(await seriesValue('cliptrace_ready')).toBe(1);
  expect(await seriesValue('cliptrace_index_opening_seconds{how="empty"}')).toBeGreaterThanOrEqual(0);
  expect(await seriesValue('cliptrace_nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0);
  expect(await seriesValue('cliptrace_gate_inside{gate="decodes"}')).toBe(0);

  await copyFile(samplePath('person-bicycle-car-detection'), join(live.archive, 'more.mp4'));
  await writeFile(join(live.archive, 'none.mp4'), 'text');
  const request = {
    type: 'index' as const,
    paths: [live.archive],
    collection: 'default',
    labelFrom: null,
    prune: false,
  };
  await jobs.stop();
  const { id } = await jobs.submit(request);
  expect(await seriesValue('cliptrace_jobs{status="queued"}')).toBe(1);
  await jobs.start();
  const job = await jobs.wait(id);
  expect(await seriesValue('cliptrace_jobs{status="queued"}')).toBe(0);
  expect(await seriesValue('cliptrace_ingest_files_total{outcome="indexed"}')).toBe(1);
  expect(await seriesValue('cliptrace_ingest_files_total{outcome="failed"}')).toBe(1);
  expect(await seriesValue('cliptrace_ingest_segments_total')).toBe(job.progress.segments);
  expect(await seriesValue('cliptrace_ingest_video_seconds_total')).toBeCloseTo(job.progress.videoSeconds, 3);
  expect(await seriesValue('cliptrace_library_videos')).toBe(
    (await library.listVideos({ limit: 1 })).totalCount,
  );
});
