import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WHITENING_FILE } from '../../index/encoder/fit-model-whitening.js';
import { type ModelManifest, parseManifest } from '../../index/encoder/manifest.js';
import { defaultModelFolder, manifestPathOf } from '../../index/encoder/model-store.js';
import { openEncoder } from '../../index/encoder/onnx-encoder.js';
import { atPrecision, describeVariant } from '../../index/encoder/precision.js';
import { createWorkspace, type Workspace } from '../helpers/workspace.js';

const shipped = manifestPathOf(defaultModelFolder());
const MEASURED = {
  recall: { plain: { recall_at_1: 0.5, recall_at_10: 0.75 } },
  float32Recall: { plain: { recall_at_1: 0.51, recall_at_10: 0.76 } },
  millisecondsPerClip: 5.1,
  float32MillisecondsPerClip: 9.2,
};
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cliptrace-precision-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The shipped model, which has a variant `half`: the same graph in another file. */
function modelWithVariant(name: string, change: (manifest: ModelManifest) => void = () => undefined): string {
  const target = join(folder, name);
  mkdirSync(target);
  const manifest = parseManifest(readFileSync(shipped, 'utf8'), shipped);
  for (const file of [manifest.file, 'half.onnx']) {
    copyFileSync(join(defaultModelFolder(), manifest.file), join(target, file));
  }
  copyFileSync(join(defaultModelFolder(), WHITENING_FILE), join(target, WHITENING_FILE));
  manifest.variants = [{ precision: 'half', file: 'half.onnx', sha256: manifest.sha256, measured: MEASURED }];
  change(manifest);
  writeFileSync(join(target, 'manifest.json'), JSON.stringify(manifest));
  return target;
}

describe('a precision', () => {
  test('is a model of its own, by its id and its file', async () => {
    const manifestPath = manifestPathOf(modelWithVariant('own'));
    const encoder = await openEncoder({ manifestPath, threads: 1, precision: 'half' });
    const { id, name, sha256, file, whitening } = encoder.manifest;
    expect({ id, file }).toEqual({
      id: `${name}-half-${sha256.slice(0, 8)}-w${whitening?.sha256.slice(0, 4)}`,
      file: 'half.onnx',
    });
    expect(encoder.precision).toBe('half');
    await encoder.close();
  });

  test('that the model lacks is refused, and those that it has are named', async () => {
    const manifest = parseManifest(readFileSync(shipped, 'utf8'), shipped);
    manifest.variants = [{ precision: 'half', file: 'half.onnx', sha256: manifest.sha256 }];
    expect(atPrecision(manifest, 'float32')).toBe(manifest);
    expect(() => atPrecision(manifest, 'int4')).toThrow(/"int4", it has float32, half/);
  });

  test('whose file is nothing like what the manifest tells is refused', async () => {
    const altered = modelWithVariant('altered', ({ variants }) => {
      const [variant] = variants ?? [];
      if (variant) variant.sha256 = '0'.repeat(64);
    });
    const opened = openEncoder({ manifestPath: manifestPathOf(altered), threads: 1, precision: 'half' });
    await expect(opened).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    const turned = modelWithVariant('turned', ({ checkVectors: [vector] }) => {
      // As long as before, in another direction.
      vector?.embedding.reverse();
    });
    const other = openEncoder({ manifestPath: manifestPathOf(turned), threads: 1, precision: 'half' });
    await expect(other).rejects.toMatchObject({
      code: 'MODEL_CHECK_FAILED',
      message: expect.stringContaining('use float32'),
    });
  });

  test('tells what was measured, and that nothing was', () => {
    const variant = { precision: 'half', file: 'half.onnx', sha256: '0'.repeat(64) };
    expect(describeVariant(variant)).toBe('half: nothing was measured of it');
    expect(describeVariant({ ...variant, measured: MEASURED })).toBe(
      'half: recall of plain queries @1 0.500 @10 0.750 (float32 @1 0.510 @10 0.760); 5.1 ms a clip (float32 9.2)',
    );
  });
});

describe('--precision', () => {
  let workspace: Workspace;

  beforeAll(() => {
    workspace = createWorkspace();
  });

  afterAll(() => workspace.remove());

  test('picks the variant, shows its measured recall, and keeps its vectors apart', async () => {
    await workspace.addSample('people-detection.mp4');
    const env = { CLIPTRACE_MODEL: modelWithVariant('command') };
    const run = (...args: string[]) => workspace.cli(args, { env });
    const indexed = await run('index', workspace.archive, '--precision', 'half');
    expect(indexed.stderr).toContain('recall of plain queries @1 0.500');
    expect(indexed.code).toBe(0);
    const again = await run('index', workspace.archive, '--precision', 'half', '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ counts: { unchanged: 1 } });
    const other = await run('index', workspace.archive, '--json');
    expect(JSON.parse(other.stdout)).toMatchObject({ counts: { updated: 1 } });
    const unknown = await run('index', workspace.archive, '--precision', 'int4');
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('float32, half') });
  });
});
