import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MAX_BATCH } from '../../../index/cliptrace.js';
import { readManifest } from '../../../index/encoder/manifest.js';
import { manifestPathOf } from '../../../index/encoder/model-store.js';
import type { EncodedClips, Encoder } from '../../../index/encoder/types.js';
import { ArchiveEmbedder } from '../../../index/ingest/archive-embedder.js';
import { ClipBatcher } from '../../../index/ingest/clip-batcher.js';
import { resolveFfmpeg } from '../../../index/media/ffmpeg-program.js';
import { defaultMediaLimits } from '../../../index/media/limits.js';
import { readSettings } from '../../../index/settings.js';
import { THUMBNAIL_WIDTH_PIXELS } from '../../../index/thumbnails.js';

/**
 * A process of its own: what `cliptrace index` does up to the clips (ffmpeg children as it groups and confines them, pictures, pipes,
 * cutting), with nothing behind it. The argument is a JSON file of paths. Prints the segments, and what it took before the first
 * file, for whoever counts the whole process.
 */
const settings = readSettings(process.env);
const { manifest } = await readManifest(manifestPathOf(settings.modelFolder), settings.precision);
const ffmpeg = await resolveFfmpeg({ env: process.env });
const { dimension, timesteps } = manifest;
const nothingBehind: Encoder = {
  manifest,
  precision: settings.precision,
  parallelism: settings.threads,
  encode: async (_pixels: Uint8Array | readonly Uint8Array[], count: number): Promise<EncodedClips> => ({
    embeddings: new Float32Array(count * dimension),
    timesteps: new Float32Array(count * timesteps * dimension),
  }),
  close: async () => undefined,
};
const temporaryFolder = mkdtempSync(path.join(tmpdir(), 'cliptrace-bench-'));
try {
  const embedder = new ArchiveEmbedder({
    ffmpeg,
    batcher: new ClipBatcher({ encoder: nothingBehind, maxBatch: MAX_BATCH }),
    decodes: settings.decodes,
    temporaryFolder,
    pictureWidthPixels: THUMBNAIL_WIDTH_PIXELS,
  });
  const { signal } = new AbortController();
  const filePaths = JSON.parse(readFileSync(process.argv[2] as string, 'utf8')) as string[];
  const files = await Promise.all(
    filePaths.map(async (filePath) => ({ filePath, sizeBytes: (await stat(filePath)).size })),
  );
  const { user, system } = process.cpuUsage();
  const embedded = await Promise.all(
    files.map((file) => embedder.embed({ ...file, limits: defaultMediaLimits, signal })),
  );
  const segments = embedded.reduce((sum, { segments }) => sum + segments.spans.length, 0);
  process.stdout.write(JSON.stringify({ startCpuMs: (user + system) / 1000, segments }));
} finally {
  rmSync(temporaryFolder, { recursive: true, force: true });
}
