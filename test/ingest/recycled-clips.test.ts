import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultModelFolder, manifestPathOf } from '../../index/encoder/model-store.js';
import { openEncoder } from '../../index/encoder/onnx-encoder.js';
import type { Encoder } from '../../index/encoder/types.js';
import { ClipBatcher } from '../../index/ingest/clip-batcher.js';
import { encodeClips } from '../../index/ingest/encode-clips.js';
import { ClipPool } from '../../index/media/clip-pool.js';
import { decodeClips } from '../../index/media/decode.js';
import {
  decodeAll,
  ffmpeg,
  ffmpegProgram,
  limits,
  makeVideo,
  SAMPLES,
  temporaryFolder,
} from '../fixtures/videos.js';

const HOP_SECONDS = 0.5;
const folder = temporaryFolder();
let encoder: Encoder;

beforeAll(async () => {
  encoder = await openEncoder({ manifestPath: manifestPathOf(defaultModelFolder()), threads: 2 });
});
afterAll(() => encoder?.close());

/** Clip by clip, each with memory of its own. */
async function slowly(filePath: string): Promise<number[][]> {
  const { preprocessing } = encoder.manifest;
  const { clips } = await decodeAll(filePath, { preprocessing, hopSeconds: HOP_SECONDS });
  const rows: number[][] = [];
  for (const { pixels } of clips) rows.push([...(await encoder.encode(pixels.slice(), 1)).embeddings]);
  return rows;
}

test('clips whose memory is used again give what clips of their own do, of several videos at a time', async () => {
  const { preprocessing } = encoder.manifest;
  const moving = await makeVideo(join(folder.path, 'moving.mp4'), { durationSeconds: 6 });
  // The same clip over and over: encoded once, all but one given back at once.
  const still = join(folder.path, 'still.mp4');
  await ffmpeg('-f', 'lavfi', '-i', 'color=red:s=64x48:r=8:d=9', '-c:v', 'mpeg4', still);
  const samples = readdirSync(SAMPLES).filter((name) => name.endsWith('.mp4'));
  const paths = [moving, still, ...samples.slice(0, 4).map((name) => join(SAMPLES, name))];
  const batcher = new ClipBatcher({ encoder, maxBatch: 3 });
  const pool = new ClipPool();
  const program = await ffmpegProgram();
  const embedded = await Promise.all(
    paths.map((filePath) => {
      const clips = decodeClips({
        ffmpeg: program,
        filePath,
        preprocessing,
        hopSeconds: HOP_SECONDS,
        limits,
        pool,
      });
      return encodeClips({ batcher, clips, priority: 'archive', pool });
    }),
  );
  for (const [i, { segments }] of embedded.entries()) {
    const expected = await slowly(paths[i] as string);
    const { dimension } = encoder.manifest;
    expect(segments.spans).toHaveLength(expected.length);
    const differences = expected.map((row, clip) =>
      Math.max(
        ...row.map((value, j) => Math.abs(value - (segments.embeddings[clip * dimension + j] as number))),
      ),
    );
    expect(Math.max(...differences)).toBeLessThan(1e-5);
  }
});
