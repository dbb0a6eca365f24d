import { expect, it } from 'vitest';
import { planEditQueries } from '../../index/evaluation/edit-queries.js';
import { PROTOCOL_EDITS } from '../../index/evaluation/edits/edit-pairs.js';
import { allVideos } from '../../index/library/all-videos.js';
import { putVideo, temporaryLibrary } from '../library/fixtures.js';

/** What is cut and edited, by content, in a library into which videos came in this order. */
async function drawn(order: readonly number[]): Promise<[string, unknown][]> {
  const { library } = await temporaryLibrary();
  for (const content of order) {
    await putVideo(library, content, { video: { durationSeconds: 4 + (content % 7) } });
  }
  const videos = await allVideos(library);
  const queries = planEditQueries({ videos, partCount: 9, edits: PROTOCOL_EDITS, pairsPerPart: 2, seed: 4 });
  return queries.map(({ video, plan }) => [video.contentHash, plan]);
}

it('the same seed draws the same parts and edits, in whatever order the videos were indexed', async () => {
  const order = Array.from({ length: 24 }, (_, i) => i + 1);
  const expected = await drawn(order);
  expect(new Set(expected.map(([content]) => content)).size).toBe(9);
  expect(await drawn([...order].reverse())).toEqual(expected);
});
