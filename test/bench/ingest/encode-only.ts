import { latticeClip } from '../../../index/encoder/check-input.js';
import { manifestPathOf } from '../../../index/encoder/model-store.js';
import { openEncoder } from '../../../index/encoder/onnx-encoder.js';
import { readSettings } from '../../../index/settings.js';
import { measure } from '../measure.js';

/** A process of its own: encodes so many clips in batches of so many, and prints what that took without start and end. */
const [clips, batch] = process.argv.slice(2).map(Number) as [number, number];
const { modelFolder, precision, threads } = readSettings(process.env);
const encoder = await openEncoder({ manifestPath: manifestPathOf(modelFolder), precision, threads });
const clip = latticeClip(encoder.manifest.preprocessing, 1);
const pixels = new Uint8Array(clip.length * batch);
for (let i = 0; i < batch; i += 1) pixels.set(clip, i * clip.length);

let left = clips;
const { wallMs, cpuMs } = await measure(async () => {
  const worker = async () => {
    while (left > 0) {
      const count = Math.min(batch, left);
      left -= count;
      await encoder.encode(pixels.subarray(0, count * clip.length), count);
    }
  };
  await Promise.all(Array.from({ length: encoder.parallelism }, worker));
});
await encoder.close();
process.stdout.write(JSON.stringify({ wallMs, cpuMs }));
