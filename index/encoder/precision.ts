import { CliptraceError } from '../errors.js';
import type { ModelManifest, ModelVariant } from './manifest.js';

/** That of the model's own file; all others are variants of it. */
export const DEFAULT_PRECISION = 'float32';

/**
 * The manifest of a model at a precision: its id tells which, so that vectors of two precisions are never mixed in an index.
 * MODEL_NOT_FOUND, naming those that the model has.
 */
export function atPrecision(manifest: ModelManifest, precision: string): ModelManifest {
  if (precision === DEFAULT_PRECISION) return manifest;
  const variant = variantOf(manifest, precision);
  if (!variant) {
    const has = [DEFAULT_PRECISION, ...(manifest.variants ?? []).map((one) => one.precision)].join(', ');
    throw new CliptraceError(
      'MODEL_NOT_FOUND',
      `${manifest.id} has no variant of precision "${precision}", it has ${has}. Choose one with --precision or CLIPTRACE_PRECISION.`,
      { details: { precision } },
    );
  }
  const { file, sha256 } = variant;
  return {
    ...manifest,
    id: modelIdOf({ ...manifest, name: `${manifest.name}-${precision}`, sha256 }),
    file,
    sha256,
  };
}

/** Of the name and what makes the features: the network, and how they are whitened. */
export function modelIdOf({
  name,
  sha256,
  whitening,
}: Pick<ModelManifest, 'name' | 'sha256' | 'whitening'>): string {
  return `${name}-${sha256.slice(0, 8)}${whitening ? `-w${whitening.sha256.slice(0, 4)}` : ''}`;
}

export function variantOf(manifest: ModelManifest, precision: string): ModelVariant | null {
  return manifest.variants?.find((variant) => variant.precision === precision) ?? null;
}

/** What was measured of a variant when it was made, in one line: recall and speed, each beside those of float32. */
export function describeVariant({ precision, measured = {} }: ModelVariant): string {
  const recalls = Object.entries(asRecord(measured.recall)).map(([queries, values]) => {
    const own = recallText(values);
    const before = recallText(asRecord(measured.float32Recall)[queries]);
    return own && `recall of ${queries} queries ${own}${before && ` (float32 ${before})`}`;
  });
  const {
    millisecondsPerClip: own,
    float32MillisecondsPerClip: before,
    meanCosineToFloat32: cosine,
  } = measured;
  const told = [
    ...recalls.filter(Boolean),
    ...(typeof cosine === 'number' ? [`mean cosine to float32 ${cosine}`] : []),
    ...(typeof own === 'number'
      ? [`${own} ms a clip${typeof before === 'number' ? ` (float32 ${before})` : ''}`]
      : []),
  ];
  return `${precision}: ${told.join('; ') || 'nothing was measured of it'}`;
}

/** `{ recall_at_1: 0.45, … }` as `@1 0.45 …`; empty for anything else. */
function recallText(value: unknown): string {
  return Object.entries(asRecord(value))
    .flatMap(([name, recall]) => {
      const at = /^(?:recall_)?at_?(\d+)$/.exec(name)?.[1];
      return at !== undefined && typeof recall === 'number' ? [`@${at} ${recall.toFixed(3)}`] : [];
    })
    .join(' ');
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
