import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CliptraceError } from '../errors.js';
import { fitWhitening } from './fit-whitening.js';
import { parseManifest } from './manifest.js';
import { modelIdOf } from './precision.js';

export const WHITENING_FILE = 'whitening.f32';
/** Fewer clips tell too little of what features have in common; the shrinkage makes up for fewer clips than dimensions. */
const LEAST_CLIPS = 100;

/**
 * Fits a whitening on the timestep features of clips, each [timesteps, dimension], and makes it part of the model: a file beside the manifest, which
 * then names it and has another id. MODEL_INVALID when the model has one, TOO_FEW_VIDEOS.
 */
export async function fitModelWhitening(
  manifestPath: string,
  clips: readonly Float32Array[],
  fitted: Record<string, unknown>,
): Promise<{ modelId: string; clipCount: number }> {
  const manifest = parseManifest(await readFile(manifestPath, 'utf8'), manifestPath);
  if (manifest.whitening) {
    throw new CliptraceError(
      'MODEL_INVALID',
      `${manifest.id} is whitened already. Give a copy of the model without "whitening" in its manifest, and a library that was indexed with that.`,
    );
  }
  if (clips.length < LEAST_CLIPS) {
    throw new CliptraceError(
      'TOO_FEW_VIDEOS',
      `The library has ${clips.length} clips of ${manifest.id}, and ${LEAST_CLIPS} are needed. Index more videos with it.`,
    );
  }
  const bytes = Buffer.from(fitWhitening(clips, manifest).buffer);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await writeFile(join(dirname(manifestPath), WHITENING_FILE), bytes);
  const whitening = { file: WHITENING_FILE, sha256, fitted: { clips: clips.length, ...fitted } };
  const whole = { ...manifest, whitening };
  const id = modelIdOf(whole);
  // The manifest last and at once: until then the model is what it was.
  await writeFile(`${manifestPath}.new`, `${JSON.stringify({ ...whole, id }, null, 2)}\n`);
  await rename(`${manifestPath}.new`, manifestPath);
  return { modelId: id, clipCount: clips.length };
}
