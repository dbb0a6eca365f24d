import { afterAll, beforeAll, expect, test } from 'vitest';
import { latticeClip } from '../../index/encoder/check-input.js';
import { defaultModelFolder, manifestPathOf } from '../../index/encoder/model-store.js';
import { openEncoder } from '../../index/encoder/onnx-encoder.js';
import type { Encoder } from '../../index/encoder/types.js';
import { ClipBatcher } from '../../index/ingest/clip-batcher.js';

const MAX_BATCH = 2;
let encoder: Encoder;

beforeAll(async () => {
  encoder = await openEncoder({ manifestPath: manifestPathOf(defaultModelFolder()), threads: 2 });
});
afterAll(() => encoder?.close());

test('a decoder that is faster than the encoder is stopped, and goes on when half of what waited is encoded', async () => {
  const batcher = new ClipBatcher({ encoder, maxBatch: MAX_BATCH });
  const pixels = latticeClip(encoder.manifest.preprocessing, 1);
  const round = MAX_BATCH * encoder.parallelism;
  const encoded: Promise<unknown>[] = [];
  let outstanding = 0;
  let most = 0;
  /** Outstanding clips when it went on after a stop. */
  const goneOnAt: number[] = [];
  for (let clip = 0; clip < 24 * round; clip += 1) {
    const before = outstanding;
    await batcher.room();
    if (outstanding < before) goneOnAt.push(outstanding);
    outstanding += 1;
    most = Math.max(most, outstanding);
    encoded.push(
      batcher.encode(pixels).finally(() => {
        outstanding -= 1;
      }),
    );
  }
  await Promise.all(encoded);
  // Four rounds wait while up to one is in hand; two wait when the decoder goes on.
  expect(most).toBeGreaterThan(4 * round);
  expect(most).toBeLessThanOrEqual(5 * round);
  expect(goneOnAt.length).toBeGreaterThan(2);
  expect(Math.max(...goneOnAt)).toBeLessThanOrEqual(3 * round);
});
