import { mkdir } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { ProgressTracker } from '../../index/ingest/progress.js';
import { WorkRate } from '../../index/ingest/work-rate.js';
import { atRest } from '../../index/library/job-status.js';
import type { JobProgress } from '../../index/library/types.js';
import { ffmpeg } from '../fixtures/videos.js';
import { createWorkspace } from '../helpers/workspace.js';

const finished = {
  outcome: 'indexed',
  sizeBytes: 400,
  segments: 4,
  videoSeconds: 5,
  durationSeconds: 5,
} as const;

it('counts what is done of a file in hand, and counts it once when it is finished', () => {
  const tracker = new ProgressTracker();
  expect(tracker.progress.etaSeconds).toBeNull();
  tracker.begin(2, 1000);
  tracker.finish({ ...finished, path: 'a' });
  tracker.enter({ path: 'b', sizeBytes: 600 });
  for (const endSeconds of [2, 3, 4]) tracker.advance({ path: 'b', endSeconds, durationSeconds: 8 });
  expect(tracker.progress).toMatchObject({ filesDone: 1, segments: 7, videoSeconds: 9, bytesDone: 700 });
  expect(tracker.progress).toMatchObject({
    durationDoneSeconds: 9,
    durationTotalSeconds: 13,
    durationIsEstimate: false,
    currentFile: 'b',
    filesInHand: [{ path: 'b', doneSeconds: 4, durationSeconds: 8 }],
  });
  // Paused or cancelled now, what is not finished would be lost.
  expect(atRest(tracker.progress)).toMatchObject({
    ...{ segments: 4, videoSeconds: 5, bytesDone: 400, durationDoneSeconds: 5 },
    ...{ durationTotalSeconds: 13, currentFile: null, filesInHand: [] },
  });
  expect(tracker.progress.etaSeconds).toBeGreaterThanOrEqual(0);
  tracker.finish({
    ...finished,
    path: 'b',
    sizeBytes: 600,
    segments: 7,
    videoSeconds: 8,
    durationSeconds: 8,
  });
  expect(tracker.progress).toMatchObject({ filesDone: 2, segments: 11, videoSeconds: 13, bytesDone: 1000 });
  expect(tracker.end()).toMatchObject({
    etaSeconds: 0,
    currentFile: null,
    durationDoneSeconds: 13,
    durationTotalSeconds: 13,
    filesInHand: [],
  });
});

it('guesses how long waiting files are from their bytes, until their headers are read', () => {
  const tracker = new ProgressTracker();
  tracker.begin(3, 1000);
  // Nothing is known yet: no number is better than a false one.
  expect(tracker.progress).toMatchObject({ durationTotalSeconds: null, durationIsEstimate: true });
  tracker.finish({ ...finished, path: 'a' });
  expect(tracker.progress.durationTotalSeconds).toBeCloseTo(12.5);
  tracker.enter({ path: 'b', sizeBytes: 100 });
  expect(tracker.progress.filesInHand).toMatchObject([{ path: 'b', doneSeconds: 0, durationSeconds: null }]);
  expect(tracker.progress.durationTotalSeconds).toBeCloseTo(12.5);
  tracker.advance({ path: 'b', endSeconds: 1, durationSeconds: 60 });
  // 65 s in 500 bytes; the other 500 are like them.
  expect(tracker.progress.durationTotalSeconds).toBeCloseTo(130);
  tracker.enter({ path: 'c', sizeBytes: 500 });
  tracker.advance({ path: 'c', endSeconds: 1, durationSeconds: 35 });
  expect(tracker.progress).toMatchObject({ durationTotalSeconds: 100, durationIsEstimate: false });
});

it('counts a file that is decoded a second time once', () => {
  const tracker = new ProgressTracker();
  tracker.begin(1, 600);
  tracker.enter({ path: 'b', sizeBytes: 600 });
  for (const endSeconds of [1, 2, 3, 1, 2]) tracker.advance({ path: 'b', endSeconds, durationSeconds: 6 });
  expect(tracker.progress).toMatchObject({ segments: 2, durationDoneSeconds: 2, bytesDone: 200 });
});

it('tells how far short files are that are decoded in one process', async () => {
  const workspace = createWorkspace();
  await mkdir(workspace.archive);
  for (const hue of [0, 120, 240]) {
    const source = `testsrc2=s=64x48:r=4:d=40,hue=h=${hue}`;
    await ffmpeg(
      '-f',
      'lavfi',
      '-i',
      source,
      '-c:v',
      'mpeg4',
      '-q:v',
      '31',
      `${workspace.archive}/${hue}.mp4`,
    );
  }
  const cliptrace = await workspace.open('write', { CLIPTRACE_DECODES: '1' });
  try {
    const request = { type: 'index', collection: 'default', labelFrom: null, prune: false } as const;
    const job = await cliptrace.jobs.submit({ ...request, paths: [workspace.archive] });
    const told: JobProgress[] = [];
    const unsubscribe = cliptrace.jobs.subscribe(job.id, (event) => told.push(event.job.progress));
    const { progress } = await cliptrace.jobs.run(job);
    unsubscribe();
    expect(progress).toMatchObject({ filesDone: 3, filesInHand: [], durationIsEstimate: false });
    expect(progress.durationTotalSeconds).toBeCloseTo(120, 0);
    // One process: two files of which much is done at a time are in one group. The third may be made ready too late for it.
    const begun = ({ filesInHand }: JobProgress) => filesInHand.filter((file) => file.segments >= 5);
    const last = told.filter((progress) => begun(progress).length > 1).at(-1) as JobProgress;
    for (const file of begun(last)) expect(file.durationSeconds).toBeCloseTo(40, 0);
    // Where it is guessed, from the bytes: the files have about as many.
    expect(Math.abs((last.durationTotalSeconds ?? 0) - 120)).toBeLessThan(12);
    expect(last.etaSeconds).toEqual(expect.any(Number));
  } finally {
    await cliptrace.close();
    workspace.remove();
  }
});

it('takes back what a file that failed midway had counted, and knows no share of an unknown duration', () => {
  const tracker = new ProgressTracker();
  tracker.begin(1, 600);
  tracker.enter({ path: 'b', sizeBytes: 600 });
  tracker.advance({ path: 'b', endSeconds: 4, durationSeconds: null });
  expect(tracker.progress).toMatchObject({ segments: 1, bytesDone: 0, durationDoneSeconds: 4 });
  tracker.finish({
    path: 'b',
    outcome: 'failed',
    sizeBytes: 600,
    segments: 0,
    videoSeconds: 0,
    durationSeconds: null,
  });
  expect(tracker.progress).toMatchObject({ filesFailed: 1, segments: 0, videoSeconds: 0, bytesDone: 600 });
  expect(tracker.progress).toMatchObject({ durationDoneSeconds: 0, durationTotalSeconds: 0 });
});

it('tells the time left from the speed of the last minute, not from what was skipped or came before', () => {
  let nowMs = 0;
  const rate = new WorkRate(() => nowMs);
  expect(rate.secondsFor(10)).toBeNull();
  rate.at(0);
  expect(rate.secondsFor(10)).toBeNull();
  for (let second = 1; second <= 120; second += 1) {
    nowMs = second * 1000;
    // Ten times as fast from the sixtieth second on.
    rate.at(second <= 60 ? second : 60 + (second - 60) * 10);
  }
  expect(rate.secondsFor(1000)).toBe(100);
  expect(rate.secondsFor(0)).toBe(0);
});
