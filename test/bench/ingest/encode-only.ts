import path from 'node:path';
import { latticeClip } from '../../../index/encoder/check-input.js';
import { manifestPathOf } from '../../../index/encoder/model-store.js';
import { readSettings } from '../../../index/settings.js';
import { PROJECT_ROOT } from '../../helpers/workspace.js';
import { measure } from '../measure.js';

// As built: from source, each thread of the encoder would first compile itself.
const { openEncoder } = (await import(
  path.join(PROJECT_ROOT, 'dist/index/encoder/onnx-encoder.js')
)) as typeof import('../../../index/encoder/onnx-encoder.js');

/**
 * A process of its own: opens the encoder, encodes so many clips in batches of so many, and prints what that took, without the start
 * of the process itself.
 */
const [clips, batch] = process.argv.slice(2).map(Number) as [number, number];
const { modelFolder, precision, threads } = readSettings(process.env);
let left = clips;
const { wallMs, cpuMs } = await measure(async () => {
  const encoder = await openEncoder({ manifestPath: manifestPathOf(modelFolder), precision, threads });
  const clip = latticeClip(encoder.manifest.preprocessing, 1);
  const pixels = Array.from({ length: batch }, () => clip);
  const worker = async () => {
    while (left > 0) {
      const count = Math.min(batch, left);
      left -= count;
      await encoder.encode(pixels.slice(0, count), count);
    }
  };
  await Promise.all(Array.from({ length: encoder.parallelism }, worker));
  await encoder.close();
});
process.stdout.write(JSON.stringify({ wallMs, cpuMs }));
