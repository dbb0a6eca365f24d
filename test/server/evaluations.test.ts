import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvaluationJson } from '../../index/evaluation/present.js';
import type { AnnReport, EditsReport, LabelsReport, PairsReport } from '../../index/evaluation/types.js';
import type { Span } from '../../index/span.js';
import { ffmpeg } from '../fixtures/videos.js';
import { createWorkspace, type Workspace } from '../helpers/workspace.js';
import { expectProblem, postJson, until } from './tools/http.js';
import { type LiveServer, samplePath, startLiveServer } from './tools/live-server.js';

const LABELS = [
  ['people-detection', 'street'],
  ['person-bicycle-car-detection', 'street'],
  ['head-pose-face-detection-male', 'face'],
  ['head-pose-face-detection-female', 'face'],
] as const;

let live: LiveServer;

beforeAll(async () => {
  live = await startLiveServer({ videos: LABELS.map(([name]) => name) });
  const { videos } = await live.cliptrace.library.listVideos({ limit: 10 });
  for (const { id, title } of videos) {
    await live.cliptrace.library.updateVideo(id, {
      label: new Map<string, string>(LABELS).get(title) ?? null,
    });
  }
});
afterAll(() => live.close());

const post = (body: object) => postJson(`${live.api}/evaluations`, body);

async function done(response: Response): Promise<EvaluationJson> {
  expect(response.status).toBe(202);
  const { id, report } = (await response.json()) as EvaluationJson;
  expect(report).toBeNull();
  expect(response.headers.get('Location')).toBe(`/api/v1/evaluations/${id}`);
  await live.cliptrace.jobs.wait(id);
  return (await (await fetch(`${live.api}/evaluations/${id}`)).json()) as EvaluationJson;
}

describe('POST /evaluations', () => {
  it('measures recall by labels, as a job, and keeps the report', async () => {
    const evaluation = await done(await post({ protocol: 'labels', k: [1, 3, 7] }));
    expect(evaluation).toMatchObject({
      status: 'done',
      progress: { queriesTotal: 4, queriesDone: 4 },
      report: {
        model: { id: live.cliptrace.encoder.manifest.id },
        queryCount: 4,
        galleryCount: 4,
        recall: [{ k: 1 }, { k: 3, value: 1 }, { k: 7, value: 1 }],
        problems: [{ code: 'K_LARGER_THAN_LIBRARY', items: ['k = 7'] }],
      },
    });
    const job = await (await fetch(`${live.api}/jobs/${evaluation.id}`)).json();
    expect(job).toMatchObject({ type: 'evaluate', status: 'done', collection: null });
    const { evaluations } = await (await fetch(`${live.api}/evaluations?limit=1`)).json();
    expect(evaluations).toMatchObject([
      { id: evaluation.id, summary: { protocol: 'labels', queryCount: 4, problemCount: 1 } },
    ]);
    expect(evaluations[0].summary.headline[1]).toMatchObject({ name: 'recall@3', value: 1 });
  });

  it("ranks by the product's search when asked to, with a split", async () => {
    const queriesCsv = LABELS.map(([name], i) => `${name}.mp4,${i % 2 === 0 ? 'test' : 'train'}`).join('\n');
    const body = { protocol: 'labels', ranking: 'search', k: [1, 2], queriesCsv };
    const { report } = await done(await post(body));
    expect(report).toMatchObject({
      queryCount: 2,
      galleryCount: 2,
      problems: [],
      settings: { ranking: 'search', queries: 'split', rankingDepth: 2 },
    });
    const first = (report as LabelsReport).queries[0];
    const answer = await (
      await postJson(`${live.api}/search`, { videoId: first?.videoId, excludeSelf: true })
    ).json();
    const gallery = new Set(LABELS.filter((_, i) => i % 2 === 1).map(([name]) => name as string));
    const hit = answer.hits.find(({ video }: { video: { title: string } }) => gallery.has(video.title));
    expect(first?.nearest).toMatchObject({ videoId: hit.video.id, similarity: hit.score });
  });

  it('searches for given targets, with files of the archive and stored videos, and measures the range', async () => {
    const upload = path.join(live.archive, 'queries');
    await mkdir(upload);
    const clip = path.join(upload, 'cut.mp4');
    await ffmpeg(
      '-ss',
      '1',
      '-t',
      '3.5',
      '-i',
      samplePath('head-pose-face-detection-male'),
      '-c:v',
      'mpeg4',
      '-q:v',
      '3',
      clip,
    );
    const broken = path.join(upload, 'broken.mp4');
    await writeFile(broken, 'no video');
    const outside = path.join(live.outside, 'secret.mp4');
    await copyFile(clip, outside);
    const pairsCsv = [
      'query,target,start,end',
      `${clip},head-pose-face-detection-male.mp4,1,4.5`,
      `${clip},people-detection`,
      'people-detection,people-detection',
      `${outside},people-detection`,
      `${broken},people-detection`,
      `${clip},head-pose-face-detection-male,4,1`,
      `${clip},nothing`,
      `${clip}`,
    ].join('\n');
    const { report } = await done(await post({ protocol: 'pairs', k: [1, 4], pairsCsv }));
    const { queries, recall, timeRange, problems, queryCount } = report as PairsReport;
    expect(
      queries.map(({ line, rank }) => [line, rank]),
      JSON.stringify(problems),
    ).toEqual([
      [2, 1],
      [3, expect.any(Number)],
      [4, 1],
      [7, 1],
    ]);
    expect(queries[1]?.rank).toBeGreaterThan(1);
    expect(queryCount).toBe(4);
    expect(recall).toMatchObject([
      { k: 1, value: 0.75 },
      { k: 4, value: 1 },
    ]);
    expect(timeRange).toMatchObject({ count: 1, medianSeconds: queries[0]?.errorSeconds });
    expect(timeRange.medianSeconds).toBeLessThan(1);
    expect(problems.map(({ code, items }) => [code, items[0]?.slice(0, 7)])).toEqual([
      ['QUERY_NOT_FOUND', 'line 5:'],
      ['RANGE_NOT_IN_VIDEO', 'line 7:'],
      ['VIDEO_UNKNOWN', 'line 8:'],
      ['CSV_ROW_INVALID', 'line 9:'],
      ['NOT_A_VIDEO', 'line 6:'],
    ]);
  });

  it('edits parts of the library, and finds where they come from', async () => {
    const body = {
      protocol: 'edits',
      k: [1, 2],
      partCount: 2,
      edits: ['trim', 'grey'],
      pairsPerPart: 0,
      seed: 3,
    };
    const { report } = await done(await post(body));
    const { queries, groups, byEdit, leftOut, settings, recall } = report as EditsReport;
    expect(settings).toMatchObject({ partCount: 2, edits: ['trim', 'grey'], pairsPerPart: 0, seed: 3 });
    expect((report as EditsReport).problems).toEqual([]);
    expect(queries.map(({ edits }) => edits)).toEqual([['trim'], ['grey'], ['trim'], ['grey']]);
    expect(new Set(queries.map(({ videoId }) => videoId)).size).toBe(2);
    expect(leftOut.byReason).toEqual({ TOO_SHORT: 2 });
    expect(groups).toMatchObject([{ name: 'single', queryCount: 4, recall: [{ k: 1 }, { k: 2 }] }]);
    expect(byEdit.map(({ edits, queryCount }) => [...edits, queryCount])).toEqual([
      ['trim', 2],
      ['grey', 2],
    ]);
    // A plain part is found.
    const trim = queries.filter(({ edits }) => edits[0] === 'trim');
    for (const { rank, errorSeconds, found, expected } of trim) {
      expect(rank).toBe(1);
      const [at, truth] = [found as Span, expected as Span];
      const off = Math.max(
        Math.abs(at.startSeconds - truth.startSeconds),
        Math.abs(at.endSeconds - truth.endSeconds),
      );
      expect(errorSeconds).toBeCloseTo(off, 2);
    }
    expect(recall[0]?.value).toBe(queries.filter(({ rank }) => rank === 1).length / 4);
    expect(await live.temporaryFiles()).toEqual([]);
  });

  it('compares the index with exact search, at each ef', async () => {
    const body = { protocol: 'ann', queryCount: 12, efs: [64, 10], targetRecall: 0.9 };
    const { report } = await done(await post(body));
    const { levels, exact, chosenEf, queryCount } = report as AnnReport;
    expect(queryCount).toBe(12);
    expect(levels.map(({ ef }) => ef)).toEqual([10, 64]);
    for (const { recall, p50Ms, p99Ms } of levels) {
      expect(recall.value).toBe(1);
      expect(p99Ms).toBeGreaterThanOrEqual(p50Ms);
    }
    expect(exact.p50Ms).toBeGreaterThan(0);
    expect(chosenEf).toBe(10);
  });

  it('compares with an earlier evaluation', async () => {
    const before = await done(await post({ protocol: 'labels', k: [1, 2] }));
    const { report } = await done(await post({ protocol: 'labels', k: [2, 3], against: before.id }));
    expect(report?.comparison).toMatchObject({
      against: { evaluationId: before.id },
      queryCount: 4,
      recall: [{ k: 2, difference: { value: 0, low: 0, high: 0 } }],
    });
    await expectProblem(await post({ protocol: 'labels', against: 999 }), 'EVALUATION_NOT_FOUND');
    const other = await done(await post({ protocol: 'ann', queryCount: 1, against: before.id }));
    expect(other.report).toMatchObject({ comparison: null, problems: [{ code: 'NOTHING_TO_COMPARE' }] });
  });

  it('refuses what it does not know by name', async () => {
    await expectProblem(await post({ protocol: 'labels', collection: 'nowhere' }), 'COLLECTION_NOT_FOUND');
    await expectProblem(await post({ protocol: 'guess' }), 'REQUEST_INVALID');
    await expectProblem(await post({ protocol: 'labels', ks: [1] }), 'REQUEST_INVALID');
    await expectProblem(await post({ protocol: 'labels', k: [] }), 'REQUEST_INVALID');
    await expectProblem(await post({ protocol: 'pairs' }), 'REQUEST_INVALID');
    await expectProblem(await post({ protocol: 'labels', pairsCsv: 'a,b' }), 'REQUEST_INVALID');
    const tooDeep = await post({ protocol: 'labels', ranking: 'search', k: [201] });
    expect((await expectProblem(tooDeep, 'REQUEST_INVALID')).detail).toContain('200');
    await expectProblem(await fetch(`${live.api}/evaluations/999`), 'EVALUATION_NOT_FOUND');
    // A job that is no evaluation.
    await expectProblem(await fetch(`${live.api}/evaluations/1`), 'EVALUATION_NOT_FOUND');
  });

  it('fails as a job when the CSV is none', async () => {
    const evaluation = await done(await post({ protocol: 'labels', queriesCsv: 'a,"open\nb,test' }));
    expect(evaluation).toMatchObject({ status: 'failed', error: { code: 'USAGE' }, report: null });
  });
});

describe('cliptrace evaluate', () => {
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = createWorkspace();
    for (const [name, label] of LABELS) await workspace.addSample(`${name}.mp4`, `${label}/${name}.mp4`);
    const indexed = await workspace.cli(['index', workspace.archive, '--label-from', 'folder']);
    expect(indexed.code, indexed.stderr).toBe(0);
  });
  afterAll(() => workspace.remove());

  it('prints the same document, finds relative paths, and tells what is wrong', async () => {
    const csv = path.join(workspace.archive, 'split.csv');
    await writeFile(
      csv,
      'path,split\nface/head-pose-face-detection-male.mp4,test\nhead-pose-face-detection-female.mp4,train\ngone.mp4,train\n',
    );
    const { code, stdout } = await workspace.cli(['evaluate', '--queries', csv, '-k', '1', '--json']);
    expect(code).toBe(0);
    const evaluation = JSON.parse(stdout) as EvaluationJson;
    expect(evaluation).toMatchObject({ status: 'done', report: { queryCount: 1, galleryCount: 1 } });
    expect(evaluation.report?.problems).toMatchObject([
      { code: 'VIDEO_UNKNOWN', items: ['line 4: gone.mp4,train'] },
    ]);
    const before = path.join(workspace.root, 'before.json');
    await writeFile(before, stdout);
    const text = await workspace.cli(['evaluate', '--queries', csv, '--against', before]);
    expect(text.stdout).toMatch(/recall@1 +1\.000 +1\.000 +0\.000/);
    const there = ['--against-data', workspace.data];
    expect((await workspace.cli(['evaluate', '--queries', csv, ...there])).stdout).toContain(
      'on the same 1 query',
    );
    expect(await workspace.cli(['evaluate', '--against', csv])).toMatchObject({ code: 2 });
    expect(text.stdout).toMatch(/recall@1 +1\.000/);
    expect(text.stderr).toContain('line 4: gone.mp4,train');
    const refused = await workspace.cli(['evaluate', '-k', '0']);
    expect(refused).toMatchObject({ code: 2 });
    expect(await workspace.cli(['evaluate', '--ranking', 'best'])).toMatchObject({ code: 2 });
  });

  it('does the work itself when that process ends without having done it', async () => {
    const holder = await workspace.open();
    // It looks at no queue, as an index command does not.
    const closing = (async () => {
      await until('it is queued', () => holder.library.hasQueuedJob());
      await holder.close();
    })();
    const { code, stdout, stderr } = await workspace.cli(['evaluate', '--json']);
    await closing;
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'done', report: { queryCount: 4 } });
  });

  it('hands the work to the process that holds the data folder', async () => {
    const holder = await workspace.open();
    try {
      await holder.jobs.start();
      const { code, stdout, stderr } = await workspace.cli(['evaluate', '--json']);
      expect(code, stderr).toBe(0);
      const { id } = JSON.parse(stdout) as EvaluationJson;
      expect(
        await until(
          'the report is kept',
          async () => (await holder.library.getEvaluation(id))?.report ?? false,
        ),
      ).toMatchObject({
        protocol: 'labels',
        queryCount: 4,
      });
    } finally {
      await holder.close();
    }
  });
});
