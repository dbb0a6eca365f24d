import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readManifest } from '../../index/encoder/manifest.js';
import { defaultModelFolder, manifestPathOf } from '../../index/encoder/model-store.js';
import { openEncoder } from '../../index/encoder/onnx-encoder.js';
import type { Encoder } from '../../index/encoder/types.js';
import { whitened } from '../../index/encoder/whitening.js';
import { EnvironmentError, ensureEnvironment } from '../../trainer/environment.js';
import { decodeAll, ffmpegProgram, makeVideo, temporaryFolder } from '../fixtures/videos.js';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');
const folder = temporaryFolder();

/** The trainer's Python, or null where there is no Python at all. */
async function trainerPython(): Promise<string | null> {
  try {
    return await ensureEnvironment({
      trainerFolder: path.join(root, 'trainer'),
      environment: process.env,
      say: console.error,
    });
  } catch (error) {
    const missing = error instanceof EnvironmentError && error.code === 'PYTHON_MISSING';
    if (!missing || process.env.CI) throw error;
    console.error('SKIPPED: the contract between trainer and indexer needs Python');
    return null;
  }
}

const python = await trainerPython();

interface EmbeddedVideo {
  frames: number;
  embedding: number[];
  timesteps: number[][];
}

describe.skipIf(python === null)('trainer and indexer', () => {
  let encoder: Encoder;
  let prepared: string;
  let videos: string;
  let embedded: Record<string, EmbeddedVideo>;

  beforeAll(async () => {
    encoder = await openEncoder({ manifestPath: manifestPathOf(defaultModelFolder()), threads: 1 });
    const { width, height, framesPerSecond, frames } = encoder.manifest.preprocessing;
    videos = path.join(folder.path, 'videos');
    prepared = path.join(folder.path, 'prepared');
    mkdirSync(videos);
    await makeVideo(path.join(videos, 'fast.mp4'), {
      durationSeconds: 3,
      framesPerSecond: 60,
      size: '320x180',
    });
    await makeVideo(path.join(videos, 'short.mkv'), { durationSeconds: 0.7, size: '90x160' });
    const size = [
      '--width',
      `${width}`,
      '--height',
      `${height}`,
      '--frames-per-second',
      `${framesPerSecond}`,
    ];
    const prepare = ['-m', 'cliptrace_trainer', 'prepare', '--folder', videos, '--out', prepared, ...size];
    const env = { ...process.env, FFMPEG_PATH: (await ffmpegProgram()).path };
    await run(python as string, prepare, { env });
    const model = path.join(defaultModelFolder(), encoder.manifest.file);
    const script = path.join(import.meta.dirname, 'embed_prepared.py');
    const { stdout } = await run(python as string, [script, prepared, model, `${frames}`]);
    embedded = JSON.parse(stdout);
  });
  afterAll(() => encoder?.close());

  test('decode the same pixels from the same file', async () => {
    const { preprocessing } = encoder.manifest;
    const frameBytes = preprocessing.width * preprocessing.height * 3;
    const bytes = readFileSync(path.join(prepared, 'frames-00000.rgb'));
    let offset = 0;
    for (const [id, { frames }] of Object.entries(embedded)) {
      const rows = bytes.subarray(offset, offset + frames * frameBytes);
      offset += frames * frameBytes;
      const { clips, summary } = await decodeAll(path.join(videos, id), { preprocessing });
      expect(summary.frameCount).toBe(frames);
      const expected = Buffer.concat(
        Array.from({ length: preprocessing.frames }, (_, i) => {
          const frame = (i % frames) * frameBytes;
          return rows.subarray(frame, frame + frameBytes);
        }),
      );
      expect(expected.equals(clips[0]?.pixels ?? Buffer.alloc(0))).toBe(true);
    }
    expect(offset).toBe(bytes.length);
  });

  test('give the same embeddings and timesteps', async () => {
    const { preprocessing, dimension } = encoder.manifest;
    const { whitening } = await readManifest(manifestPathOf(defaultModelFolder()));
    for (const [id, wanted] of Object.entries(embedded)) {
      const { clips } = await decodeAll(path.join(videos, id), { preprocessing });
      const got = await encoder.encode(clips[0]?.pixels ?? new Uint8Array(), 1);
      const difference = (values: Float32Array, reference: number[]) =>
        Math.max(...reference.map((value, i) => Math.abs(value - (values[i] ?? Number.NaN))));
      expect(wanted.embedding).toHaveLength(dimension);
      expect(difference(got.embeddings, wanted.embedding)).toBeLessThan(1e-4);
      // Python runs the graph alone; what whitening does to its timesteps has tests of its own.
      const raw = Float32Array.from(wanted.timesteps.flat());
      const timesteps = whitening ? whitened(raw, whitening) : raw;
      expect(difference(got.timesteps, [...timesteps])).toBeLessThan(1e-3);
    }
  });
});
