import { readFileSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseManifest, readManifest } from '../../index/encoder/manifest.js';
import { defaultModelFolder, manifestPathOf } from '../../index/encoder/model-store.js';
import { temporaryFolder } from '../fixtures/videos.js';

const folder = temporaryFolder();
const shipped = manifestPathOf(defaultModelFolder());

/** The shipped manifest with one field changed; the path is in dots. */
function changed(path: string, value: unknown): string {
  const manifest = JSON.parse(readFileSync(shipped, 'utf8'));
  const keys = path.split('.');
  const last = keys.pop() as string;
  const parent = keys.reduce((object, key) => object[key], manifest);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return JSON.stringify(manifest);
}

function failureOf(text: string): { code?: string; message: string; details?: { field: unknown } } {
  try {
    parseManifest(text, 'manifest.json');
  } catch (error) {
    return error as { code: string; message: string; details: { field: unknown } };
  }
  return { message: 'it was accepted' };
}

describe('the shipped manifest', () => {
  test('is valid, and its ONNX file has the hash that it tells', async () => {
    const { manifest, modelPath } = await readManifest(shipped);
    expect(manifest.formatVersion).toBe(1);
    expect(manifest.licence).toBe('MIT');
    expect(modelPath).toBe(join(defaultModelFolder(), manifest.file));
  });

  test('is found by its folder and by its file', () => {
    expect(manifestPathOf('/models/a')).toBe(join('/models/a', 'manifest.json'));
    expect(manifestPathOf('/models/a/manifest.json')).toBe('/models/a/manifest.json');
  });
});

describe('a manifest', () => {
  test.each([
    ['formatVersion', 2],
    ['id', 'tclr-compact-00000000'],
    ['sha256', 'not a hash'],
    ['file', '../encoder.onnx'],
    ['file', '/etc/passwd'],
    ['opset', undefined],
    ['licence', undefined],
    ['metric', 'euclidean'],
    ['input.dtype', 'float32'],
    ['input.layout', 'NCTHW'],
    ['input.shape', [null, 16, 81, 80, 3]],
    ['input.shape', [1, 16, 80, 80, 3]],
    ['outputs.timesteps.shape', [null, 4, 255]],
    ['outputs.embedding.shape', [null, 255]],
    ['preprocessing.framesPerSecond', 0],
    ['preprocessing.frames', 1.5],
    ['preprocessing.crop', { mode: 'stretch', fraction: 0.5 }],
    ['preprocessing.crop', { mode: 'centre', fraction: 1.5 }],
    ['preprocessing.scaleFilter', 'area,drawtext=textfile=/etc/passwd'],
    ['preprocessing.mean', [0.5, 0.5]],
    ['segmentHopSeconds', -1],
    ['training', undefined],
    ['checkVectors', []],
    ['checkVectors.0.tolerance', 0],
    ['checkVectors.0.input.formula', 'another'],
    ['checkVectors.0.embedding', [1, 2, 3]],
    ['checkVectors.0.timesteps', []],
    ['variants', [{ precision: 'int8', file: 'a/b.onnx', sha256: 'a'.repeat(64) }]],
    ['surprise', true],
  ])('with %s = %j is refused by the name of the field', (path, value) => {
    const failure = failureOf(changed(path, value));
    expect(failure.code).toBe('MODEL_INVALID');
    expect(failure.message).toContain('manifest.json');
    expect(failure.message).toContain(path.split('.')[0]);
  });

  test.each([
    ['training.anything', { deep: [1, 2] }],
    ['measured.recallAt1', 0.5],
    [
      'variants',
      [{ precision: 'int8', file: 'encoder-int8.onnx', sha256: 'a'.repeat(64), measured: { x: 1 } }],
    ],
    ['preprocessing.crop', { mode: 'centre', fraction: 0.8 }],
  ])('may have %s', (path, value) => {
    expect(failureOf(changed(path, value)).message).toBe('it was accepted');
  });

  test.each(['', 'null', '[]', '{"formatVersion": 1', '"text"'])('that reads %j is refused', (text) => {
    expect(failureOf(text)).toMatchObject({ code: 'MODEL_INVALID' });
  });

  test('that is missing, or whose ONNX file is, is told as missing', async () => {
    await expect(readManifest(join(folder.path, 'none', 'manifest.json'))).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining('CLIPTRACE_MODEL'),
    });
    const alone = join(folder.path, 'manifest.json');
    await copyFile(shipped, alone);
    await expect(readManifest(alone)).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining('encoder.onnx'),
    });
  });

  test('whose ONNX file was altered by one bit is refused', async () => {
    const { manifest, modelPath } = await readManifest(shipped);
    const bytes = readFileSync(modelPath);
    const middle = Math.floor(bytes.length / 2);
    bytes[middle] = (bytes[middle] as number) ^ 1;
    await writeFile(join(folder.path, manifest.file), bytes);
    await expect(readManifest(join(folder.path, 'manifest.json'))).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      details: { field: 'sha256' },
    });
  });
});
