import { expect, it } from 'vitest';
import { ProgressTracker } from '../../index/ingest/progress.js';

const finished = { outcome: 'indexed', sizeBytes: 400, segments: 4, videoSeconds: 5 } as const;

it('counts what is done of a file in hand, and counts it once when it is finished', () => {
  const tracker = new ProgressTracker();
  expect(tracker.progress.etaSeconds).toBeNull();
  tracker.begin(2, 1000);
  tracker.finish({ ...finished, path: 'a' });
  for (const endSeconds of [2, 3, 4]) {
    tracker.advance({ path: 'b', sizeBytes: 600, endSeconds, durationSeconds: 8 });
  }
  expect(tracker.progress).toMatchObject({ filesDone: 1, segments: 7, videoSeconds: 9, bytesDone: 700 });
  expect(tracker.progress.etaSeconds).toBeGreaterThanOrEqual(0);
  tracker.finish({ path: 'b', outcome: 'indexed', sizeBytes: 600, segments: 7, videoSeconds: 8 });
  expect(tracker.progress).toMatchObject({ filesDone: 2, segments: 11, videoSeconds: 13, bytesDone: 1000 });
  expect(tracker.end()).toMatchObject({ etaSeconds: 0, currentFile: null });
});

it('takes back what a file that failed midway had counted, and knows no share of an unknown duration', () => {
  const tracker = new ProgressTracker();
  tracker.begin(1, 600);
  tracker.advance({ path: 'b', sizeBytes: 600, endSeconds: 4, durationSeconds: null });
  expect(tracker.progress).toMatchObject({ segments: 1, bytesDone: 0 });
  tracker.finish({ path: 'b', outcome: 'failed', sizeBytes: 600, segments: 0, videoSeconds: 0 });
  expect(tracker.progress).toMatchObject({ filesFailed: 1, segments: 0, videoSeconds: 0, bytesDone: 600 });
});
