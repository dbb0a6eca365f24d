import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { latticeClip } from '../../index/encoder/check-input.js';
import { fitModelWhitening, WHITENING_FILE } from '../../index/encoder/fit-model-whitening.js';
import { fitWhitening } from '../../index/encoder/fit-whitening.js';
import { readManifest } from '../../index/encoder/manifest.js';
import { defaultModelFolder, manifestPathOf } from '../../index/encoder/model-store.js';
import { openEncoder } from '../../index/encoder/onnx-encoder.js';
import { readWhitening, whitened, whiteningLength, whiteningOf } from '../../index/encoder/whitening.js';
import { seeded } from '../../index/evaluation/seeded-random.js';
import { temporaryFolder } from '../fixtures/videos.js';

const folder = temporaryFolder();
const SHAPE = { dimension: 6, timesteps: 2 };

/** Features that crowd in two directions and about another mean at each place. */
function crowdedClips(count: number, seed: number): Float32Array[] {
  const random = seeded(seed);
  const noise = () => random() - 0.5;
  return Array.from({ length: count }, () => {
    const [a, b] = [4 * noise(), 2 * noise()];
    return Float32Array.from({ length: 12 }, (_, i) => {
      const direction = i % 6;
      const common = direction === 0 ? a : direction === 1 ? a + b : direction === 2 ? b : 0;
      return common + 0.2 * noise() + (i < 6 ? 1 : -0.5) * direction;
    });
  });
}

/** x of matrix x = right, by Gauss-Jordan. */
function solved(matrix: number[][], right: number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i] as number]);
  rows.forEach((lead, column) => {
    const pivot = lead[column] as number;
    rows.forEach((row, i) => {
      if (i === column) return;
      const factor = (row[column] as number) / pivot;
      row.forEach((value, k) => {
        row[k] = value - factor * (lead[k] as number);
      });
    });
  });
  return rows.map((row, i) => (row[6] as number) / (row[i] as number));
}

/** The definition: the cosine of features less their mean, in the metric of the inverse of (covariance + its mean variance). */
function slowCosine(clips: Float32Array[], one: Float32Array, other: Float32Array, place: number): number {
  const at = (clip: Float32Array, p: number, i: number) => clip[p * 6 + i] as number;
  const mean = (p: number, i: number) => clips.reduce((sum, clip) => sum + at(clip, p, i), 0) / clips.length;
  const less = (clip: Float32Array, p: number) => [0, 1, 2, 3, 4, 5].map((i) => at(clip, p, i) - mean(p, i));
  const rows = clips.flatMap((clip) => [less(clip, 0), less(clip, 1)]);
  const covariance = [0, 1, 2, 3, 4, 5].map((i) =>
    [0, 1, 2, 3, 4, 5].map(
      (j) => rows.reduce((sum, row) => sum + (row[i] as number) * (row[j] as number), 0) / rows.length,
    ),
  );
  const variance = covariance.reduce((sum, row, i) => sum + (row[i] as number), 0) / 6;
  const metric = covariance.map((row, i) => row.map((value, j) => value + (i === j ? variance : 0)));
  const [x, y] = [less(one, place), less(other, place)];
  const inner = (a: number[], b: number[]) =>
    solved(metric, b).reduce((sum, value, i) => sum + value * (a[i] as number), 0);
  return inner(x, y) / Math.sqrt(inner(x, x) * inner(y, y));
}

describe('whitened features', () => {
  const clips = crowdedClips(200, 1);
  const whitening = whiteningOf(fitWhitening(clips, SHAPE), SHAPE, 'test');

  test('have the cosines of the metric that the definition gives', () => {
    const others = crowdedClips(12, 2);
    const white = others.map((clip) => whitened(clip, whitening));
    for (let i = 1; i < others.length; i += 1) {
      for (const place of [0, 1]) {
        let cosine = 0;
        for (let d = place * 6; d < place * 6 + 6; d += 1) {
          cosine += (white[0]?.[d] as number) * (white[i]?.[d] as number);
        }
        const expected = slowCosine(clips, others[0] as Float32Array, others[i] as Float32Array, place);
        expect(cosine).toBeCloseTo(expected, 4);
      }
    }
  });

  test('have norm 1; what is the mean itself has none', () => {
    const white = whitened(clips[0] as Float32Array, whitening);
    expect(Math.hypot(...white.subarray(0, 6))).toBeCloseTo(1, 5);
    expect(Math.hypot(...white.subarray(6))).toBeCloseTo(1, 5);
    expect([...whitened(whitening.means.slice(), whitening)]).toEqual(new Array(12).fill(0));
  });

  test('need as many finite numbers as the model has', () => {
    const values = fitWhitening(clips, SHAPE);
    expect(values).toHaveLength(whiteningLength(SHAPE));
    expect(() => whiteningOf(values.subarray(1), SHAPE, 'w')).toThrow(/has 32 numbers; 33 finite ones/);
    values[3] = Number.NaN;
    expect(() => whiteningOf(values, SHAPE, 'w')).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }));
  });
});

describe('the whitening of a model', () => {
  const shipped = manifestPathOf(defaultModelFolder());

  /** The shipped model without its whitening. */
  function bareModel(): string {
    const manifest = JSON.parse(readFileSync(shipped, 'utf8'));
    copyFileSync(join(defaultModelFolder(), manifest.file), join(folder.path, manifest.file));
    const { whitening: _, ...bare } = manifest;
    bare.id = `${manifest.name}-${manifest.sha256.slice(0, 8)}`;
    const manifestPath = join(folder.path, 'manifest.json');
    writeFileSync(manifestPath, JSON.stringify(bare));
    return manifestPath;
  }

  test('is applied to what the network gives, and is part of the id', async () => {
    const bare = await openEncoder({ manifestPath: bareModel(), threads: 1 });
    const whole = await openEncoder({ manifestPath: shipped, threads: 1 });
    const clip = latticeClip(whole.manifest.preprocessing, 3);
    const [raw, white] = [await bare.encode(clip, 1), await whole.encode(clip, 1)];
    const whitening = await readWhitening(join(defaultModelFolder(), WHITENING_FILE), whole.manifest);
    expect(white.timesteps).toEqual(whitened(raw.timesteps, whitening));
    expect(white.embeddings).toEqual(raw.embeddings);
    expect(whole.manifest.id).toBe(
      `${bare.manifest.id}-w${whole.manifest.whitening?.sha256.slice(0, 4) as string}`,
    );
    await bare.close();
    await whole.close();
  });

  test('is fitted once, on enough clips, and then loads; a damaged one does not', async () => {
    const manifestPath = bareModel();
    const { manifest } = await readManifest(manifestPath);
    const random = seeded(4);
    const clips = Array.from({ length: 120 }, () =>
      Float32Array.from({ length: manifest.timesteps * manifest.dimension }, () => random() - 0.5),
    );
    await expect(fitModelWhitening(manifestPath, clips.slice(50), {})).rejects.toMatchObject({
      code: 'TOO_FEW_VIDEOS',
    });
    const made = await fitModelWhitening(manifestPath, clips, { dataset: 'noise' });
    const loaded = await readManifest(manifestPath);
    expect(loaded.manifest.id).toBe(made.modelId);
    expect(loaded.manifest.whitening?.fitted).toEqual({ clips: 120, dataset: 'noise' });
    expect(loaded.whitening?.means).toHaveLength(manifest.timesteps * manifest.dimension);
    await expect(fitModelWhitening(manifestPath, clips, {})).rejects.toThrow(/is whitened already/);
    const bytes = readFileSync(join(folder.path, WHITENING_FILE));
    bytes[77] = (bytes[77] as number) ^ 1;
    writeFileSync(join(folder.path, WHITENING_FILE), bytes);
    await expect(readManifest(manifestPath)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      details: { field: 'whitening.sha256' },
    });
  });
});
