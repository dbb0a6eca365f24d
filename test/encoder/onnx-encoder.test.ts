import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { latticeClip } from '../../index/encoder/check-input.js';
import { executionProviders } from '../../index/encoder/execution-providers.js';
import { WHITENING_FILE } from '../../index/encoder/fit-model-whitening.js';
import type { ModelManifest } from '../../index/encoder/manifest.js';
import { defaultModelFolder, manifestPathOf } from '../../index/encoder/model-store.js';
import { openEncoder } from '../../index/encoder/onnx-encoder.js';
import { modelIdOf } from '../../index/encoder/precision.js';
import type { Encoder } from '../../index/encoder/types.js';
import { temporaryFolder } from '../fixtures/videos.js';

const folder = temporaryFolder();
const manifestPath = manifestPathOf(defaultModelFolder());
let encoder: Encoder;
let clipBytes: number;

beforeAll(async () => {
  encoder = await openEncoder({ manifestPath, threads: 1 });
  clipBytes = latticeClip(encoder.manifest.preprocessing, 0).length;
});
afterAll(() => encoder?.close());

/** `count` different clips. */
function clips(count: number): Uint8Array {
  const pixels = new Uint8Array(count * clipBytes);
  for (let i = 0; i < count; i += 1) {
    pixels.set(latticeClip(encoder.manifest.preprocessing, i * 7), i * clipBytes);
  }
  return pixels;
}

function norms(values: Float32Array, dimension: number): number[] {
  return Array.from({ length: values.length / dimension }, (_, row) =>
    Math.hypot(...values.subarray(row * dimension, (row + 1) * dimension)),
  );
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a).toHaveLength(b.length);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b[i] as number))), 0);
}

/** A copy of the shipped model with another manifest or other bytes. */
function variant(
  name: string,
  change: { manifest?: (manifest: ModelManifest) => void; onnx?: (bytes: Buffer) => Buffer },
): string {
  const path = join(folder.path, name);
  mkdirSync(path, { recursive: true });
  const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as ModelManifest;
  const original = readFileSync(join(defaultModelFolder(), manifest.file));
  const bytes = change.onnx?.(original) ?? original;
  manifest.sha256 = createHash('sha256').update(bytes).digest('hex');
  manifest.id = modelIdOf(manifest);
  change.manifest?.(manifest);
  writeFileSync(join(path, manifest.file), bytes);
  copyFileSync(join(defaultModelFolder(), WHITENING_FILE), join(path, WHITENING_FILE));
  writeFileSync(join(path, 'manifest.json'), JSON.stringify(manifest));
  return join(path, 'manifest.json');
}

describe('an open encoder', () => {
  test('gives finite vectors of norm 1, in the shapes of its manifest', async () => {
    const { dimension, timesteps } = encoder.manifest;
    const encoded = await encoder.encode(clips(3), 3);
    expect(encoded.embeddings).toHaveLength(3 * dimension);
    expect(encoded.timesteps).toHaveLength(3 * timesteps * dimension);
    for (const values of [encoded.embeddings, encoded.timesteps]) {
      for (const norm of norms(values, dimension)) expect(Math.abs(norm - 1)).toBeLessThan(1e-6);
    }
  });

  test('tells different clips apart', async () => {
    const { dimension } = encoder.manifest;
    const { embeddings } = await encoder.encode(clips(2), 2);
    expect(largestDifference(embeddings.slice(0, dimension), embeddings.slice(dimension))).toBeGreaterThan(
      0.01,
    );
  });

  test('gives a clip the same vector alone and in a batch, also for calls at the same time', async () => {
    const count = 5;
    const { dimension, timesteps } = encoder.manifest;
    const pixels = clips(count);
    const batch = await encoder.encode(pixels, count);
    const alone = await Promise.all(
      Array.from({ length: count }, (_, i) =>
        encoder.encode(pixels.slice(i * clipBytes, (i + 1) * clipBytes), 1),
      ),
    );
    for (const [i, one] of alone.entries()) {
      const embedding = batch.embeddings.subarray(i * dimension, (i + 1) * dimension);
      const features = batch.timesteps.subarray(i * timesteps * dimension, (i + 1) * timesteps * dimension);
      expect(largestDifference(one.embeddings, embedding)).toBeLessThan(1e-4);
      expect(largestDifference(one.timesteps, features)).toBeLessThan(1e-4);
    }
  });

  test('leaves the pixels to the caller', async () => {
    const pixels = clips(1);
    const first = encoder.encode(pixels, 1);
    pixels.fill(0);
    const { embeddings } = await first;
    expect(largestDifference(embeddings, (await encoder.encode(clips(1), 1)).embeddings)).toBe(0);
    expect(pixels.byteLength).toBe(clipBytes);
  });

  test('lets the event loop go on meanwhile', async () => {
    const pixels = clips(8);
    let turns = 0;
    let done = false;
    const encoding = encoder.encode(pixels, 8).then(() => {
      done = true;
    });
    while (!done) {
      await sleep(1);
      turns += 1;
    }
    await encoding;
    expect(turns).toBeGreaterThan(10);
  });

  test.each([
    [1, 0],
    [1, 2],
    [0, 0],
    [1, 1.5],
    [2, -2],
  ])('refuses %i clips that are called %d', async (made, told) => {
    await expect(encoder.encode(clips(made), told)).rejects.toMatchObject({ code: 'ENCODE_FAILED' });
  });

  test('refuses work once it is closed; closing twice is harmless', async () => {
    const other = await openEncoder({ manifestPath, threads: 1, verify: false });
    const last = other.encode(clips(1), 1);
    await Promise.all([other.close(), other.close()]);
    // What was asked before the end is answered.
    expect((await last).embeddings).toHaveLength(other.manifest.dimension);
    await expect(other.encode(clips(1), 1)).rejects.toMatchObject({ code: 'ENCODE_FAILED' });
  });
});

describe('opening a model', () => {
  test('fails when it does not reproduce its check vectors, and tells by how much', async () => {
    const path = variant('deviating', {
      manifest: ({ checkVectors }) => {
        const [vector] = checkVectors;
        if (vector) vector.embedding[3] = (vector.embedding[3] as number) + 0.25;
      },
    });
    await expect(openEncoder({ manifestPath: path, threads: 1 })).rejects.toMatchObject({
      code: 'MODEL_CHECK_FAILED',
      message: expect.stringMatching(/by 0\.2[45]\d*, 0\.001 is allowed/),
    });
    const unchecked = await openEncoder({ manifestPath: path, threads: 1, verify: false });
    await unchecked.close();
  });

  test('fails for timesteps that deviate as well', async () => {
    const path = variant('deviating-timesteps', {
      manifest: ({ checkVectors }) => {
        const row = checkVectors[0]?.timesteps.at(-1);
        if (row) row[0] = (row[0] as number) - 0.5;
      },
    });
    await expect(openEncoder({ manifestPath: path, threads: 1 })).rejects.toMatchObject({
      code: 'MODEL_CHECK_FAILED',
    });
  });

  test.each([
    ['that is cut', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    ['that is no ONNX', () => Buffer.from('this is no model')],
    ['that is empty', () => Buffer.alloc(0)],
  ])('fails for a file %s', async (name, onnx) => {
    const path = variant(`file ${name}`, { onnx });
    await expect(openEncoder({ manifestPath: path, threads: 1 })).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('encoder.onnx'),
    });
  });

  test.runIf(process.platform === 'linux')(
    'leaves no thread behind when sessions that are opened side by side cannot be',
    async () => {
      const path = variant('no ONNX for three', { onnx: () => Buffer.from('this is no model') });
      const threadCount = () => readdirSync('/proc/self/task').length;
      const before = threadCount();
      await expect(openEncoder({ manifestPath: path, threads: 3 })).rejects.toMatchObject({
        code: 'MODEL_INVALID',
      });
      await expect.poll(threadCount).toBeLessThanOrEqual(before);
    },
  );

  test.each<[string, (manifest: ModelManifest) => void, RegExp]>([
    [
      'another input',
      ({ input }) => Object.assign(input, { name: 'frames' }),
      /input "frames", the graph has/,
    ],
    [
      'another output',
      ({ outputs }) => Object.assign(outputs.embedding, { name: 'vector' }),
      /output "vector", the graph has/,
    ],
    [
      'another size',
      ({ input, preprocessing }) => {
        preprocessing.frames += 2;
        input.shape[1] = preprocessing.frames;
      },
      /input "clips" is uint8 .* the manifest demands uint8 \[N, 18/,
    ],
  ])('fails when the manifest tells of %s', async (name, manifest, message) => {
    const path = variant(name, { manifest });
    await expect(openEncoder({ manifestPath: path, threads: 1 })).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(message),
    });
  });

  test('an encoder that is left open keeps no process alive', async () => {
    const script = fileURLToPath(new URL('./open-and-leave.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script], {
      timeout: 60_000,
    });
    expect(stdout).toBe('1\n');
  });

  test('a process that exits in the middle of an inference ends with its own exit code', async () => {
    const script = fileURLToPath(new URL('./exit-midway.ts', import.meta.url));
    const ending = promisify(execFile)(process.execPath, ['--import', 'tsx', script], { timeout: 60_000 });
    await expect(ending).rejects.toMatchObject({ code: 5, signal: null });
  });
});

test('the CPU is among the execution providers', () => {
  expect(executionProviders()).toContain('cpu');
});
